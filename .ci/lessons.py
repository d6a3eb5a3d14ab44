"""Is each lesson short, and does it begin with a picture? Is each answer short?
Prints what they have, fails above the limits"""
import json, re, sys
from repo import root

limits = dict(words=1200, lines=60, picture=3, columns=90)
answer_words = 90
questionnaires = ('40_chapter12', '41_further_research', '42_chapter04', '44_asked')

def words(markdown):
    "Number of words, without the addresses of links and without tags"
    prose = re.sub(r'\]\([^)]*\)|</?\w+>', ' ', markdown)
    return sum(bool(re.search(r'\w', o)) for o in prose.split())

def measured(cells):
    "Of the unfolded cells: words, lines of code, place of the first picture, longest line"
    seen = [o for o in cells if not o['metadata'].get('jupyter', {}).get('source_hidden')]
    text = {k: [''.join(o['source']) for o in seen if o['cell_type'] == k]
            for k in ('markdown', 'code')}
    code = [o for o in '\n'.join(text['code']).splitlines() if o.strip() and o[:2] != '#|']
    pictures = [i for i,o in enumerate(seen, 1)
                for out in o.get('outputs', ()) if 'image/png' in out.get('data', ())]
    return dict(words=words('\n'.join(text['markdown'])), lines=len(code),
                picture=min(pictures, default=len(seen)), columns=max(map(len, code)))

def answers(cells):
    """Words of each answer, by its question: of what stands in a cell under a heading with a number
    or a question mark, without formulas and code on lines of their own and the line of links"""
    beside = r'(?ms)\$\$.*?\$\$|^```.*?^```|^\*In rnnlab:\*[^\n]*|<summary>.*?</summary>'
    for o in cells:
        q = re.search(r'(?m)^## (F?\d+\..*|.*\?)$', ''.join(o['source']))
        if o['cell_type'] == 'markdown' and q:
            yield q[1], words(re.sub(beside, ' ', ''.join(o['source'])[q.end():]))

def cells_of(path): return json.loads(path.read_text(encoding='utf-8'))['cells']

lessons = sorted((root/'nbs/chapter').glob('lesson*.ipynb'))
bad = [] if lessons else ['there is no lesson in nbs/chapter']
for path in lessons:
    found = measured(cells_of(path))
    print(f"{path.stem:24}", *(f'{k} {v:5}' for k,v in found.items()))
    bad += [f'{path.name}: {k} {v}, at most {limits[k]}' for k,v in found.items() if v > limits[k]]
for name in questionnaires:
    found = dict(answers(cells_of(root/f'nbs/questions/{name}.ipynb')))
    if found: print(f'{name:24} answers {len(found):3} longest {max(found.values()):5}')
    else: bad.append(f'{name}: no heading with a number or a question mark')
    bad += [f'{name}: {v} words, at most {answer_words}, answer: {k}'
            for k,v in found.items() if v > answer_words]
if bad: sys.exit('\n'.join(['Cut, fold or move something:', *bad]))
