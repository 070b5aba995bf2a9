-- Moves the hold of a job on: its first shards whose results are final, how many units that is, and what was
-- closed by the end of which day. Where it does not stand as it was read, somebody else moved it, and nothing
-- happens. When nothing is held any more, which is when `final_at` is not '', the job leaves the set of those that
-- are, its checks the open set, and what is left of its late results goes.
--
-- keys: job, jobs_held, open, late
-- args: job_id, marks_before, shards_before, marks, shards, final, final_at
-- returns: 1 moved, 0 it stands elsewhere

if redis.call('EXISTS', job) == 0 then return 0 end
if (redis.call('HGET', job, 'marks') or '[]') ~= marks_before then return 0 end
if (redis.call('HGET', job, 'shardsFinal') or '0') ~= shards_before then return 0 end
redis.call('HSET', job, 'marks', marks, 'shardsFinal', shards, 'final', final)
if final_at == '' then return 1 end
redis.call('DEL', late)
redis.call('HSET', job, 'finalAt', final_at)
redis.call('SREM', jobs_held, job_id)
for _, shard_id in ipairs(redis.call('HKEYS', open)) do
  if string.sub(shard_id, 1, #job_id + 1) == job_id .. '-' then redis.call('HDEL', open, shard_id) end
end
return 1
