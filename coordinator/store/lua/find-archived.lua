-- Whether a shard that has no journal here has one in the archive.
--
-- keys: job, archived
-- args: number, shards_per_group
-- returns: the number of the job's split shards if it has, 0 if not, -1 when the job itself is not here

local splits = tonumber(redis.call('HGET', job, 'splits') or nil)
if not splits then return -1 end
local shard, per_group = tonumber(number), tonumber(shards_per_group)
local is_check = shard >= splits
local group = math.floor((is_check and shard - splits or shard) / per_group)
local bit = 2 * group + (is_check and 1 or 0)
return redis.call('GETBIT', archived, bit) == 1 and splits or 0
