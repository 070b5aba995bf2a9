-- Lets go of a job that is in a file now, with what lies over its journals: of it nothing changes any more. It has to be
-- final and as it was written, and all of its journals in files: which ones they are is in the file too. It stays
-- listed. Repeating it changes nothing.
--
-- keys: job, jobs_kept, archived, amendments, revoked, late
-- args: job_id, groups, revocations
-- returns: 1 it is in the archive, 0 it is not as it was written

if redis.call('EXISTS', job) == 0 then return 1 end
if not redis.call('HGET', job, 'finalAt') then return 0 end
if (redis.call('GET', archived) or '') ~= groups then return 0 end
if redis.call('LLEN', revoked) ~= tonumber(revocations) then return 0 end
redis.call('UNLINK', job, archived, amendments, revoked, late)
redis.call('SREM', jobs_kept, job_id)
return 1
