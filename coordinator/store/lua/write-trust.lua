-- Changes fields of the tables of trust, where nobody wrote since they were read: the version is
-- compared first, and is another one afterwards. Repeating it after a lost reply finds it changed.
--
-- keys: version, ...   then each table
-- args: expected, changes, ...   then for each change: which of the tables, field, value ('' to delete)
-- returns: 1 written, 0 the version is another one

if (redis.call('GET', version) or '0') ~= expected then return 0 end
redis.call('INCR', version)
for i = 0, tonumber(changes) - 1 do
  local tab, field, value = KEYS[1 + tonumber(ARGV[3 + 3 * i])], ARGV[4 + 3 * i], ARGV[5 + 3 * i]
  if value == '' then redis.call('HDEL', tab, field) else redis.call('HSET', tab, field, value) end
end
return 1
