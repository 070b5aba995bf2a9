-- Ends a job of which all is decided. Repeating it changes nothing, nor does it change a cancelled one.
--
-- keys: job, jobs_open
-- args: job_id, now_ms, unchecked
-- returns: 1 complete now, 0 it is over already, or not all of it is decided

local state, decided_at = unpack(redis.call('HMGET', job, 'state', 'decidedAt'))
if not decided_at or state == 'complete' or state == 'cancelled' then return 0 end
redis.call('HSET', job, 'state', 'complete', 'endedAt', now_ms, 'unchecked', unchecked)
redis.call('SREM', jobs_open, job_id)
return 1
