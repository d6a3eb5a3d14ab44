"""Is each lesson short, and does it begin with a picture? Prints what each has, and fails above the limits."""
import json, re, sys
from pathlib import Path

root = Path(__file__).resolve().parent.parent
limits = dict(words=1200, lines=60, picture=3, columns=90)


def measured(path:Path):
    "Words of its prose, lines of code that are seen, the place of the first picture among the cells that are, and the longest line"
    cells = json.loads(path.read_text(encoding='utf-8'))['cells']
    seen = [o for o in cells if not (o['cell_type'] == 'code' and ''.join(o['source']).startswith('#| hide'))]
    prose = '\n'.join(''.join(o['source']) for o in seen if o['cell_type'] == 'markdown')
    prose = re.sub(r'\]\([^)]*\)|</?\w+>', ' ', prose)
    code = [line for o in seen if o['cell_type'] == 'code' for line in ''.join(o['source']).splitlines()
            if line.strip() and not line.startswith('#|')]
    pictures = [i for i,o in enumerate(seen, 1) if any('image/png' in out.get('data', ()) for out in o.get('outputs', ()))]
    return dict(words=len([o for o in prose.split() if re.search(r'\w', o)]), lines=len(code),
                picture=pictures[0] if pictures else len(seen)+1, columns=max(map(len, code), default=0))


if __name__ == '__main__':
    bad = []
    for path in sorted((root/'nbs/chapter').glob('lesson*.ipynb')):
        found = measured(path)
        print(f"{path.stem:24}", *(f'{k} {v:5}' for k,v in found.items()))
        bad += [f'{path.name}: {k} {v}, at most {limits[k]}' for k,v in found.items() if v > limits[k]]
    if bad: sys.exit('\n'.join(['Too long for a lesson; cut, fold or move something:', *bad]))
