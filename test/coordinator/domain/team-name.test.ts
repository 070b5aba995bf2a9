import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseTeamName } from '../../../coordinator/domain/team-name.ts';

const parsed = (text: string) => {
  const name = parseTeamName(text);
  if ('flaw' in name) throw new Error(`${text}: ${name.flaw}`);
  return name;
};
const flawOf = (text: string) => {
  const name = parseTeamName(text);
  return 'flaw' in name ? name.flaw : null;
};

describe('a team’s name', () => {
  it.each([
    ['Team Rocket', 'Team Rocket'],
    ['  two   words ', 'two words'],
    ['Ｆｕｌｌ ｗｉｄｔｈ', 'Full width'],
    ['ﬁne', 'fine'],
    ['Ångström', 'Ångström'.normalize('NFKC')],
    ['Физика-7', 'Физика-7'],
    ['東京大学 CERN', '東京大学 CERN'],
    ['한글 team', '한글 team'],
    ['שלום', 'שלום'],
    ["O'Hara & Co.", "O'Hara & Co."],
  ])('%s is shown as %s', (text, shown) => {
    expect(parsed(text).name).toBe(shown);
  });

  it.each([
    ['', /2 to 40/],
    ['x', /2 to 40/],
    ['x'.repeat(41), /2 to 40/],
    ['-- --', /a letter or a digit/],
    ['tab\u0000le', /without/],
    ['zero\u200bwidth', /without/],
    ['right\u202eleft', /without/],
    ['<b>bold</b>', /without "<"/],
    ['party 🎉', /without/],
    ['Z\u0335\u0336\u0337algo', /two accents/],
    ['pаypal', /one script/],
    ['Ωmega', /one script/],
    ['שלוםteam', /one script/],
  ])('%j is refused', (text, flaw) => {
    expect(flawOf(text)).toMatch(flaw);
  });

  it.each([
    ['Paypal', 'PAYPAL'],
    ['paypal', 'paypaI'],
    ['paypal', 'PAYPA1'],
    ['paypal', 'раураӏ'],
    ['cosmos', 'C0SM0S'],
    ['Straße', 'STRASSE'],
    ['cafe', 'café'],
    ['Ｔｅａｍ', 'team'],
  ])('%s and %s are one name', (one, other) => {
    expect(parsed(one).key).toBe(parsed(other).key);
  });

  it.each([
    ['team one', 'team two'],
    ['physics', 'физика'],
    ['東京', '京都'],
  ])('%s and %s are two', (one, other) => {
    expect(parsed(one).key).not.toBe(parsed(other).key);
  });

  it('has one key however often it is parsed, and never throws', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 50 }), (text) => {
        const name = parseTeamName(text);
        if ('flaw' in name) return;
        expect(parsed(name.name)).toEqual(name);
        expect(parsed(name.name.normalize('NFD')).key).toBe(name.key);
      }),
    );
  });
});
