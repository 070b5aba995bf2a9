-- Reads the balances as they stand after the last entry. In one step, because an entry in between would
-- make them belong to no entry at all.
--
-- keys: head, balances
-- args: none
-- returns: {number, hash, at} of the last entry, and the balances as a flat list

return {redis.call('HMGET', head, 'number', 'hash', 'at'), redis.call('HGETALL', balances)}
