-- Pays outbox records of one partition into the ledger, exactly once and in order: the watermark
-- must stand just before the first of them. Each batch is one ledger entry that sums to zero: what
-- the volunteers get, the mint gives.
--
-- keys: watermarks, balances, entries, standings, recent, units_paid
-- args: source, before, last, weight, accounts, ...   then for each: account_id, micro, units
-- returns: 1 applied, 0 somebody else was first

if (redis.call('HGET', watermarks, source) or '0') ~= before then return 0 end
redis.call('HSET', watermarks, source, last)
local total = 0
local postings = {}
for i = 1, tonumber(accounts) do
  local at = 5 + 3 * (i - 1)
  local account, micro, units = ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
  local ledger_account = 'volunteer:' .. account .. ':pending'
  redis.call('HINCRBY', balances, ledger_account, micro)
  redis.call('ZINCRBY', standings, micro, account)
  redis.call('ZINCRBY', recent, tonumber(micro) * tonumber(weight), account)
  redis.call('HINCRBY', units_paid, account, units)
  total = total + tonumber(micro)
  postings[#postings + 1] = ledger_account .. ' ' .. micro
end
local given = string.format('%.0f', -total)
redis.call('HINCRBY', balances, 'mint', given)
postings[#postings + 1] = 'mint ' .. given
redis.call('XADD', entries, '*', 'source', source, 'last', last, 'postings', table.concat(postings, '\n'))
return 1
