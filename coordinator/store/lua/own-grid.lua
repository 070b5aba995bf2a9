-- Makes a coordinator the owner of the grid for a while, unless another one is. The owner repeats
-- it; when it dies, its ownership runs out by itself.
--
-- keys: owner
-- args: coordinator_id, for_ms
-- returns: 1 it owns the grid, 0 another one does

local present = redis.call('GET', owner)
if present and present ~= coordinator_id then return 0 end
redis.call('SET', owner, coordinator_id, 'PX', for_ms)
return 1
