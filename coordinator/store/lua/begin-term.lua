-- Makes the history of the ledger somebody's to write: the mark goes to files that nobody has written to, and whoever
-- wrote before finds another term. The numbers of terms grow, so a mark never stands twice as it stood before. With
-- it, where the files end that are left.
--
-- keys: archive
-- args: expected, expected_term, term, mark, ...   then for each file that is left: field, bytes
-- returns: 1 begun, 0 the mark stands elsewhere, or another one has begun a term

local number, standing = unpack(redis.call('HMGET', archive, 'number', 'term'))
if (number or '0') ~= expected or (standing or '0') ~= expected_term then return 0 end
redis.call('HSET', archive, 'term', term, 'mark', mark)
for i = 5, #ARGV, 2 do redis.call('HSET', archive, ARGV[i], ARGV[i + 1]) end
return 1
