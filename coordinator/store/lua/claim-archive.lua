-- Makes the history of the ledger somebody's to write: the mark goes to files that nobody has written to, and whoever
-- wrote before finds another claim. The numbers of claims grow, so a mark never stands twice as it stood before. With
-- it, where the files end that are left.
--
-- keys: archive
-- args: expected, expected_claim, claim, mark, ...   then for each file that is left: field, bytes
-- returns: 1 claimed, 0 the mark stands elsewhere, or another one has claimed it

local number, claimed = unpack(redis.call('HMGET', archive, 'number', 'claim'))
if (number or '0') ~= expected or (claimed or '0') ~= expected_claim then return 0 end
redis.call('HSET', archive, 'claim', claim, 'mark', mark)
for i = 5, #ARGV, 2 do redis.call('HSET', archive, ARGV[i], ARGV[i + 1]) end
return 1
