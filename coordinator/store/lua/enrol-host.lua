-- Writes a host down, and its account's present name. A host belongs to the account it first
-- came with: a host key that changes hands is a new host.
--
-- keys: hosts, names
-- args: host_id, account_id, facts, name
-- returns: 1 enrolled, 0 it belongs to another account

local known = redis.call('HGET', hosts, host_id)
if known and cjson.decode(known).accountId ~= account_id then return 0 end
redis.call('HSET', hosts, host_id, facts)
redis.call('HSET', names, account_id, name)
return 1
