-- Lifts some causes of a job's pause. It is open again when no other cause is left, in one step: of
-- two who lift the last two causes at once, one opens it.
--
-- keys: job
-- args: causes, ...   then the causes to lift
-- returns: 'open', 'paused' (another cause is left), 'over' or 'unknown'

local state = redis.call('HGET', job, 'state')
if not state then return 'unknown' end
if state == 'complete' or state == 'cancelled' then return 'over' end
for i = 1, tonumber(causes) do redis.call('HDEL', job, 'pause:' .. ARGV[1 + i]) end
for _, field in ipairs(redis.call('HKEYS', job)) do
  if string.sub(field, 1, 6) == 'pause:' then return 'paused' end
end
redis.call('HSET', job, 'state', 'open')
return 'open'
