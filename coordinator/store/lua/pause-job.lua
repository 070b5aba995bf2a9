-- Pauses a job for one of several causes: nothing more is split off it until every cause is lifted.
-- What is out may still be recorded, so its shards stay in the open set.
--
-- keys: job
-- args: cause, reason
-- returns: 'paused', 'over' or 'unknown'

local state = redis.call('HGET', job, 'state')
if not state then return 'unknown' end
if state == 'complete' or state == 'cancelled' then return 'over' end
redis.call('HSET', job, 'state', 'paused', 'pause:' .. cause, reason)
return 'paused'
