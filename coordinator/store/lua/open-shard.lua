-- Advances a job's split cursor and opens the shard, in one step: a crash between the two would
-- lose units or split them twice. The cursor is compared first, so of two coordinators that split
-- at once one finds the shard opened already.
--
-- keys: job, open
-- args: shard_id, units, expected_cursor, next_cursor
-- returns: 1 opened, 0 somebody else did, or the job is not open

local state, cursor = unpack(redis.call('HMGET', job, 'state', 'cursor'))
if state ~= 'open' or cursor ~= expected_cursor then return 0 end
redis.call('HSET', job, 'cursor', next_cursor)
redis.call('HINCRBY', job, 'shards', 1)
redis.call('HINCRBY', job, 'shardsOpen', 1)
redis.call('HSET', open, shard_id, units)
return 1
