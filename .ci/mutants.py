"""Would the tests notice a slip in the code?

Draws small faults (another operator, a number one off, a swapped name, a dropped `not`, a missing
line, …) in the exported cells of notebooks, one at a time, and runs that notebook in a temporary
copy, where `rnnlab/` has the fault too, until a cell fails. A fault that no cell notices has
SURVIVED: kill it with an assertion, or see by hand that it changes nothing. Too slow is killed."""
import argparse, ast, copy, csv, json, math, random, re
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from nbdev.export import nb_export
from shifted import code_cells, copied, first_failure, root

operators = dict(Lt='LtE Gt', LtE='Lt', Gt='GtE Lt', GtE='Gt', Eq='NotEq', NotEq='Eq', In='NotIn',
                 NotIn='In', Is='IsNot', IsNot='Is', And='Or', Or='And', Add='Sub', Sub='Add',
                 Mult='Div Add', Div='Mult', FloorDiv='Div', Mod='Mult', Pow='Mult', MatMult='Mult',
                 BitOr='BitAnd', BitAnd='BitOr')
words = dict(min='max', any='all', sum='max', zeros='ones', argmax='argmin', floor='ceil',
             mean='sum', first='last', head='tail', lower='upper', startswith='endswith', exp='log',
             extend='append', sorted='list', cat='stack', lstrip='rstrip', sigmoid='tanh',
             abs='float', train='eval', is_file='is_dir', zeros_like='ones_like')
words |= {v: k for k,v in words.items()}


def for_people(node):
    "The parts of `node` that are text for people or readers of types: no faults there"
    match node:
        case ast.FunctionDef() | ast.ClassDef():
            doc = node.body[:1] if ast.get_docstring(node) else []
            return [*doc, *node.decorator_list, getattr(node, 'returns', None)]
        case ast.arg() | ast.AnnAssign(): return [node.annotation]
        case ast.keyword(arg='help' | 'description' | 'metavar' | 'desc'): return [node.value]
        case ast.Raise() | ast.JoinedStr() | ast.Import() | ast.ImportFrom(): pass
        case ast.Call(func=ast.Name(id='print') | ast.Attribute(attr='warn')): pass
        case _: return []
    return list(ast.iter_child_nodes(node))


def variants(node, names, rng):
    "(kind, what could stand in the place of `node`)"
    def but(**fields):
        res = copy.copy(node)
        for k,v in fields.items(): setattr(res, k, v)
        return res

    def others(op): return [getattr(ast, o)() for o in operators.get(type(op).__name__, '').split()]
    def without(o, i): return o[:i] + o[i+1:]

    match node:
        case ast.Compare(ops=ops):
            for i,op in enumerate(ops):
                for o in others(op): yield 'comparison', but(ops=[*ops[:i], o, *ops[i+1:]])
        case ast.BoolOp(values=vs):
            for o in others(node.op): yield 'operator', but(op=o)
            for i in range(len(vs)):
                yield 'condition', but(values=without(vs, i)) if len(vs) > 2 else vs[1-i]
        case ast.BinOp() | ast.AugAssign():
            for o in others(node.op): yield 'operator', but(op=o)
        case ast.UnaryOp(op=ast.Not() | ast.USub()): yield 'sign', node.operand
        case ast.Constant(value=bool(v)): yield 'constant', but(value=not v)
        case ast.Constant(value=int(v)): yield from (('constant', but(value=v+o)) for o in (1, -1))
        case ast.Constant(value=float(v)): yield 'constant', but(value=v*2 or 1.)
        case ast.Constant(value=str(v)) if re.fullmatch(r'[a-z_]\w*', v):
            yield 'constant', but(value=v + 'x')
        case ast.Name(id=v, ctx=ast.Load()) if v in names and len(names) > 1:
            yield 'name', but(id=rng.choice(sorted(names - {v})))
        case ast.Name(id=v, ctx=ast.Load()) if v in words: yield 'function', but(id=words[v])
        case ast.Attribute(attr=v, ctx=ast.Load()) if v in words:
            yield 'function', but(attr=words[v])
        case ast.IfExp(): yield 'branches', but(body=node.orelse, orelse=node.body)
        case ast.Slice(lower=lower, upper=upper):
            if lower: yield 'slice', but(lower=None)
            if upper: yield 'slice', but(upper=None)
        case ast.Break(): yield 'loop', ast.Continue()
        case ast.Continue(): yield 'loop', ast.Break()
        case ast.Return(value=ast.expr()): yield 'return', ast.Return(ast.Constant(None))
        case ast.Call(func=f, args=args, keywords=kws):
            if len(args) > 1 and not ast.unparse(f).endswith(('instance', 'subclass', 'attr')):
                yield 'arguments', but(args=[args[1], args[0], *args[2:]])
            for i in range(len(kws)): yield 'arguments', but(keywords=without(kws, i))
            if ast.unparse(f) == 'range':
                one_less = ast.BinOp(args[-1], ast.Sub(), ast.Constant(1))
                yield 'off by one', but(args=[*args[:-1], one_less])
    if isinstance(node, ast.Expr | ast.AugAssign | ast.Raise | ast.Delete | ast.Assert) or \
       isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Attribute | ast.Subscript):
        yield 'deleted', ast.Pass()


def faults(src, rng):
    "(line, kind, start, end, new text) of what can go wrong in a cell"
    rows = src.splitlines(keepends=True)
    def at(row, col): return sum(map(len, rows[:row-1])) + len(rows[row-1].encode()[:col].decode())

    def visit(node, names):
        if isinstance(node, ast.FunctionDef | ast.Lambda):
            stored = [o.id for o in ast.walk(node) if isinstance(getattr(o, 'ctx', 0), ast.Store)
                      and isinstance(o, ast.Name)]
            names = {o.arg for o in ast.walk(node.args) if isinstance(o, ast.arg)}
            names = names.union(stored) - {'self', 'cls'}
        found = [(node, *o) for o in variants(node, names, rng)]
        tests = [node.test] if isinstance(node, ast.If | ast.While) else getattr(node, 'ifs', [])
        found += [(o, 'condition', ast.UnaryOp(ast.Not(), o)) for o in tests]
        for old,kind,new in found:
            text = ast.unparse(new)
            if isinstance(new, ast.BinOp | ast.BoolOp | ast.Compare | ast.IfExp | ast.UnaryOp):
                text = f'({text})'
            yield (old.lineno, kind, at(old.lineno, old.col_offset),
                   at(old.end_lineno, old.end_col_offset), text)
        skip = for_people(node)
        for o in ast.iter_child_nodes(node):
            if not any(o is s for s in skip): yield from visit(o, names)

    for line,kind,start,end,text in visit(ast.parse(src), set()):
        new = src[:start] + text + src[end:]
        try: same = ast.dump(ast.parse(new)) == ast.dump(ast.parse(src))
        except SyntaxError: continue
        if not same: yield line, kind, src[start:end], text, new


def exported(nb): return [o for o in code_cells(nb) if re.search(r'^#\| ?exporti?\b', o[1], re.M)]


def draw(nb, n, seed):
    "`n` faults of a notebook, each in a line of its own; what goes wrong there is drawn before how"
    rng = random.Random(f'{seed} {nb.name}')
    res = []
    for cell,src in exported(nb):
        lines = defaultdict(lambda: defaultdict(list))
        for line,kind,*how in faults(src, rng): lines[line][kind].append(how)
        for line,kinds in lines.items():
            kind,hows = rng.choice(list(kinds.items()))
            before,after,new = rng.choice(hows)
            res.append((new, dict(notebook=nb.relative_to(root).as_posix(), cell=cell, line=line,
                                  kind=kind, before=before, after=after)))
    return rng.sample(res, min(n, len(res)))


def run(nb, limit, cell=None, new=None):
    "The first cell of `nb` that fails when `cell` is `new`"
    with copied() as tree:
        book = json.loads((tree/nb).read_text(encoding='utf-8'))
        for o in book['cells']:
            if o['id'] == cell: o['source'] = new
        (tree/nb).write_text(json.dumps(book), encoding='utf-8')
        nb_export(tree/nb, lib_path=tree/'rnnlab')
        return first_failure(tree, nb, limit)


if __name__ == '__main__':
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument('notebooks', nargs='*', help='such as nbs/source/02_models.ipynb; all without')
    p.add_argument('--count', type=int, default=20, help='how many, in proportion to the lines')
    p.add_argument('--seed', type=int, default=0, help='which faults')
    p.add_argument('--limit', type=int, default=600, help='seconds until a notebook is stopped')
    p.add_argument('--jobs', type=int, default=2, help='how many notebooks run at once')
    p.add_argument('--out', type=Path, metavar='CSV', help='add a line for each to this file')
    args = p.parse_args()
    nbs = [root/o for o in args.notebooks] or sorted((root/'nbs').rglob('[!.]*.ipynb'))
    size = {o: n for o in nbs if (n := sum(s.count('\n') for _,s in exported(o)))}
    share = args.count/sum(size.values())

    def try_one(job):
        new,o = job
        by = run(o['notebook'], args.limit, o['cell'], new)
        what = f'{o["notebook"]} {o["cell"]}, line {o["line"]}: {o["before"]} → {o["after"]}'
        print(f'killed by {by}: {what}' if by else f'SURVIVED: {what}', flush=True)
        return o | dict(seed=args.seed, killed_by=by)

    survived = 0
    with ThreadPoolExecutor(args.jobs) as pool:
        for nb,by in zip(size, pool.map(lambda o: run(o.relative_to(root), args.limit), size)):
            if by: p.error(f'{nb} fails without a fault, in {by}')
        drawn = [o for nb,n in size.items() for o in draw(nb, math.ceil(n*share), args.seed)]
        for o in pool.map(try_one, drawn):
            survived += not o['killed_by']
            if args.out:
                with args.out.open('a', newline='', encoding='utf-8') as f:
                    rows = csv.DictWriter(f, o)
                    if not f.tell(): rows.writeheader()
                    rows.writerow(o)
    print(f'{len(drawn)-survived} killed, {survived} survived')
