-- Cancels a job: marks it and takes its shards out of the open set, so that nothing is recorded
-- for it any more. The open set is small (what is being worked on), so looking through it is cheap.
--
-- keys: job, jobs_open, open
-- args: job_id, now_ms
-- returns: 'cancelled', 'over' or 'unknown'

local state = redis.call('HGET', job, 'state')
if not state then return 'unknown' end
if state == 'complete' or state == 'cancelled' then return 'over' end
redis.call('HSET', job, 'state', 'cancelled', 'endedAt', now_ms, 'shardsOpen', 0)
redis.call('SREM', jobs_open, job_id)
for _, shard_id in ipairs(redis.call('HKEYS', open)) do
  if string.sub(shard_id, 1, #job_id + 1) == job_id .. '-' then redis.call('HDEL', open, shard_id) end
end
return 'cancelled'
