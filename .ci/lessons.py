"Is each lesson short, and does it begin with a picture? Prints what it has, fails above the limits"
import json, re, sys
from repo import root

limits = dict(words=1200, lines=60, picture=3, columns=90)

def measured(cells):
    "Of the unfolded cells: words, lines of code, place of the first picture, longest line"
    seen = [o for o in cells if not o['metadata'].get('jupyter', {}).get('source_hidden')]
    text = {k: [''.join(o['source']) for o in seen if o['cell_type'] == k]
            for k in ('markdown', 'code')}
    prose = re.sub(r'\]\([^)]*\)|</?\w+>', ' ', '\n'.join(text['markdown']))
    code = [o for o in '\n'.join(text['code']).splitlines() if o.strip() and o[:2] != '#|']
    pictures = [i for i,o in enumerate(seen, 1)
                for out in o.get('outputs', ()) if 'image/png' in out.get('data', ())]
    return dict(words=sum(bool(re.search(r'\w', o)) for o in prose.split()), lines=len(code),
                picture=min(pictures, default=len(seen)), columns=max(map(len, code)))

lessons = sorted((root/'nbs/chapter').glob('lesson*.ipynb'))
bad = [] if lessons else ['there is no lesson in nbs/chapter']
for path in lessons:
    found = measured(json.loads(path.read_text(encoding='utf-8'))['cells'])
    print(f"{path.stem:24}", *(f'{k} {v:5}' for k,v in found.items()))
    bad += [f'{path.name}: {k} {v}, at most {limits[k]}' for k,v in found.items() if v > limits[k]]
if bad: sys.exit('\n'.join(['Cut, fold or move something:', *bad]))
