-- Makes a coordinator the owner of the grid for a while, unless another one is, or several share it. The owner
-- repeats it; when it dies, its ownership runs out by itself.
--
-- keys: owner, peers
-- args: coordinator_id, for_ms
-- returns: 1 it owns the grid, 0 another one does, or some share it

local present = redis.call('GET', owner)
if present and present ~= coordinator_id then return 0 end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if redis.call('ZCOUNT', peers, '(' .. now, '+inf') > 0 then return 0 end
redis.call('SET', owner, coordinator_id, 'PX', for_ms)
return 1
