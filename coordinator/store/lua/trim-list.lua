-- Takes the oldest jobs off the list that are in the archive, until it has so many. A hundred at a time.
--
-- keys: jobs, jobs_kept
-- args: max
-- returns: how many went

local excess = math.min(redis.call('ZCARD', jobs) - max, 100)
if excess <= 0 then return 0 end
local gone = 0
for _, job_id in ipairs(redis.call('ZRANGE', jobs, 0, excess - 1)) do
  if redis.call('SISMEMBER', jobs_kept, job_id) == 0 then gone = gone + redis.call('ZREM', jobs, job_id) end
end
return gone
