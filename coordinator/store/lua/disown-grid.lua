-- Gives the grid free, if it is still this coordinator's.
--
-- keys: owner
-- args: coordinator_id
-- returns: nothing

if redis.call('GET', owner) == coordinator_id then redis.call('DEL', owner) end
