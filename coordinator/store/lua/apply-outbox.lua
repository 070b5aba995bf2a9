-- Pays outbox records of one partition into the ledger, exactly once and in order: the watermark
-- must stand just before the first of them. Each step is one ledger entry that sums to zero: what
-- the volunteers get, the mint gives. Amounts are added by HINCRBY, in 64 bits; as Lua numbers they
-- would lose digits beyond 2^53, which only the averages of `recent` may.
--
-- keys: watermarks, balances, entries, standings, recent, units_paid
-- args: source, before, last, weight, minted, accounts, ...   then for each: account_id, micro, units
-- returns: 'applied', or the watermark that stands in the way

local watermark = redis.call('HGET', watermarks, source) or '0'
if watermark ~= before then return watermark end
redis.call('HSET', watermarks, source, last)
local args_before = 6
local postings = {}
for i = 1, tonumber(accounts) do
  local at = args_before + 3 * (i - 1)
  local account, micro, units = ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
  local ledger_account = 'volunteer:' .. account .. ':pending'
  redis.call('HINCRBY', balances, ledger_account, micro)
  redis.call('ZINCRBY', standings, micro, account)
  redis.call('ZINCRBY', recent, tonumber(micro) * tonumber(weight), account)
  redis.call('HINCRBY', units_paid, account, units)
  postings[#postings + 1] = ledger_account .. ' ' .. micro
end
redis.call('HINCRBY', balances, 'mint', minted)
postings[#postings + 1] = 'mint ' .. minted
redis.call('XADD', entries, '*', 'source', source, 'last', last, 'postings', table.concat(postings, '\n'))
return 'applied'
