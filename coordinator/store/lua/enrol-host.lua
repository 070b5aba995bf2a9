-- Writes a host down, and its account's present name. A host belongs to the account it first
-- came with: a host key that changes hands is a new host. One that is not known is written down only
-- when `remember` says so: keys cost nothing, and a stranger may come with a new one every time. Its country
-- is what it says then: what it earned before would otherwise count for no country, and be taken from one.
--
-- keys: hosts, names, countries
-- args: host_id, account_id, facts, name, remember, country
-- returns: 'known', 'new' (not written down) or 'other_account'

local known = redis.call('HGET', hosts, host_id)
if known and cjson.decode(known).accountId ~= account_id then return 'other_account' end
if not known and remember ~= '1' then return 'new' end
if not known and country ~= '' then redis.call('HSET', countries, host_id, country) end
redis.call('HSET', hosts, host_id, facts)
redis.call('HSET', names, account_id, name)
return 'known'
