-- Makes the grid's facts at the first start; afterwards returns the ones that stand.
-- Atomic, because two coordinators may meet an empty Redis at once.
--
-- keys: grid
-- args: format, grid_id, partitions, created_at
-- returns: {format, gridId, partitions, createdAt} as they stand

if redis.call('EXISTS', grid) == 0 then
  redis.call('HSET', grid, 'format', format, 'gridId', grid_id, 'partitions', partitions, 'createdAt', created_at)
end
return redis.call('HMGET', grid, 'format', 'gridId', 'partitions', 'createdAt')
