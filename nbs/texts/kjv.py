"""The King James Version from Debian's program `bible`, and what a model of it has to beat

    python nbs/texts/kjv.py kjv.txt
    python nbs/texts/kjv.py nbs/texts/genesis.txt --verses gen1:1-gen50:26
    python nbs/texts/kjv.py kjv.txt --csv nbs/studies/results/baselines_kjv.csv
"""
import math, re, shutil, subprocess
from pathlib import Path
from time import perf_counter
import pandas as pd
from fastcore.script import call_parse
from rnnlab.core import clear_errors, environment
from rnnlab.data import Corpus
from rnnlab.text.baselines import text_baselines

# such as "1Sm3:4 That the LORD called Samuel: …": the chapter and the verse
verse_line = re.compile(r'^(\d?[A-Za-z]+\d+):\d+ +(.*\S)', re.M)


def kjv_text(
    verses:str='gen1:1-rev22:21', # From where to where, as the program names verses
) -> str: # A verse a line, a blank line between chapters
    "The King James Version, as Debian's package bible-kjv has it"
    program = shutil.which('bible')
    if program is None:
        raise RuntimeError("there is no program `bible` here, which has the text; install it with "
                           "`sudo apt-get install bible-kjv bible-kjv-text`")
    got = subprocess.run([program, '-f', verses], capture_output=True, text=True, encoding='utf-8',
                         errors='replace', stdin=subprocess.DEVNULL)
    lines,last = [],None
    for chapter,verse in verse_line.findall(got.stdout):
        if last not in (None, chapter): lines.append('')
        lines.append(' '.join(verse.split()))
        last = chapter
    if not lines:
        said = (got.stderr or got.stdout).strip()[:200] or 'nothing at all'
        raise RuntimeError(f"`{program} -f {verses}` printed no verses ({said}); is the name of "
                           "the verses right, like 'gen1:1-gen50:26', and the text installed?")
    return '\n'.join(lines)+'\n'


def kjv_baselines(
    text:str, # The text
    sl:int=64, # Sequence length in tokens, as for `lm_dls`
    bs:int=64, # Batch size, as for `lm_dls`
) -> pd.DataFrame: # by, tokens, baseline, perplexity, bits per token, and the seconds of each table
    "The baselines of a text by words and marks, and by characters, there with a longer n-gram too"
    rows = []
    for by,order in (('mark', 3), ('char', 3), ('char', 6)):
        start = perf_counter()
        corpus = Corpus.from_text(text, by=by, seen=0.8)
        table = text_baselines(corpus, sl, bs, order=order)
        seconds = perf_counter()-start
        rows += [dict(by=by, tokens=len(corpus), vocab=len(corpus.vocab), baseline=k, perplexity=p,
                      bits=math.log2(p), **table.attrs, sl=sl, bs=bs, seconds=seconds,
                      **environment('cpu')) for k,p in table.perplexity.items()]
    return pd.DataFrame(rows).drop_duplicates(['by', 'baseline'], ignore_index=True)


@call_parse
@clear_errors('kjv.py')
def main(
    out:str, # File to write the text to
    verses:str='gen1:1-rev22:21', # From where to where, as the program `bible` names verses
    csv:str=None, # File to write the baselines to
):
    "Write the King James Version to a file, a verse a line"
    text = kjv_text(verses)
    Path(out).write_text(text, encoding='utf-8', newline='\n')
    if csv: kjv_baselines(text).to_csv(csv, index=False)
