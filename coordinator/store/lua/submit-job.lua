-- Writes a new job down and puts it among the open ones. Repeating it changes nothing, so a
-- submission whose reply was lost may be sent again.
--
-- keys: job, jobs, jobs_open, jobs_held, jobs_kept
-- args: job_id, facts, units, splits, submitted_at, curated
-- returns: 1 written, 0 it stands already

if redis.call('EXISTS', job) == 1 then return 0 end
redis.call('HSET', job,
  'facts', facts, 'units', units, 'splits', splits, 'submittedAt', submitted_at, 'state', 'open', 'endedAt', '',
  'cursor', 0, 'shards', 0, 'shardsOpen', 0,
  'canonical', 0, 'failed', 0, 'fuelHigh', 0, 'fuelLow', 0, 'creditMicro', 0, 'curated', curated)
redis.call('ZADD', jobs, submitted_at, job_id)
redis.call('SADD', jobs_open, job_id)
redis.call('SADD', jobs_held, job_id)
redis.call('SADD', jobs_kept, job_id)
return 1
