-- Marks a job as curated, or no longer so; in one step with the look whether there is such a job.
--
-- keys: job
-- args: curated
-- returns: 1 done, 0 no such job

if redis.call('EXISTS', job) == 0 then return 0 end
redis.call('HSET', job, 'curated', curated)
return 1
