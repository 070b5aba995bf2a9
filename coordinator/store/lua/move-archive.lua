-- Moves the mark of the history on: entries up to it are in files, so they leave Redis; with it the last
-- receipt of each account that has a new one. Compared with the entry that the last move ended at, so
-- that a move whose reply was lost, or that another one overtook, is not made twice; and with the term, because
-- whoever lost it wrote into files that count no more.
--
-- keys: archive, entries, receipts
-- args: expected, expected_term, number, mark, receipts_count, ...   then for each: account_id, tail
-- returns: 1 moved, 0 the mark stood elsewhere, or another one has begun a term

local before, standing = unpack(redis.call('HMGET', archive, 'number', 'term'))
if (before or '0') ~= expected or (standing or '0') ~= expected_term then return 0 end
redis.call('HSET', archive, 'number', number, 'mark', mark)
for i = 0, tonumber(receipts_count) - 1 do
  redis.call('HSET', receipts, ARGV[6 + 2 * i], ARGV[7 + 2 * i])
end
redis.call('XTRIM', entries, 'MINID', (tonumber(number) + 1) .. '-0')
return 1
