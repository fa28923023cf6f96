#!/usr/bin/env python3
"""The differences of a finished comparison, computed again with NumPy and SciPy from what its cells keep of each test image.

    python3 scripts/compare_reference.py OUT METRIC [UNTRAINED,...]     # OUT of zview compare, METRIC such as linear

Each line: arm, then difference, ends of the interval and p-value by zview and by SciPy. Of studies whose test images are
independent of each other (not of glyphs), judged on one data set, with arms of the same seeds.
"""

import glob
import json
import sys

import numpy as np
from scipy import optimize, stats

root=sys.argv[1]; key=sys.argv[2]; alone=set((sys.argv[3:] or [''])[0].split(','))
arms={}
for f in sorted(glob.glob(root+'/cells/*/evaluation.json')):
    name,seed=f.split('/')[-2].rsplit('-seed',1)
    j=json.load(open(f)); s=next(iter(j['sets'].values()))
    r=s['right'][key]; v=np.array([ord(c)-48 for c in r['of_image']],float)/r['draws']
    arms.setdefault(name,{})[int(seed)]=v
names=sorted(arms); seeds=sorted(next(iter(arms.values())))
Y={a:np.stack([arms[a][s] for s in seeds]) for a in names}
pool=[a for a in names if a not in alone]
M=np.array([Y[a].mean(1) for a in pool]); R=M-M.mean(1,keepdims=True)-M.mean(0)+M.mean()
n=len(seeds);N=Y[names[0]].shape[1]
def contrast(a,b):
    D=Y[a]-Y[b]; v=D.mean(1); d=v.mean(); s2=v.var(ddof=1); df=n-1
    if a in pool and b in pool:
        c=R[pool.index(a)]-R[pool.index(b)]; SS=(R**2).sum()-(c**2).sum()/2; o=(len(pool)-2)*(n-1); d0=min(4,o)
        if d0: s2=(d0*2*SS/o+df*s2)/(d0+df); df=d0+df
    im=D.mean(0); I=((im-d)**2).sum()/N**2*N/(N-1)
    E=D-v[:,None]; rest=((E-E.mean(0))**2).sum()/(n-1)/n/N**2*N/(N-1)
    S=max(s2/n,rest); I=max(I-rest,0)
    def hw(l):
        q=stats.t.ppf(1-l/2,df); qi=stats.t.ppf(1-l/2,N-1)
        return max((S*q+I*qi)/np.sqrt(S+I),q*np.sqrt(S))
    h=hw(.05); p=optimize.brentq(lambda l:hw(np.exp(l))-abs(d),np.log(1e-13),0) if hw(1-1e-12)<abs(d) else 0
    return d,d-h,d+h,np.exp(p)
out=json.load(open(root+'/comparison.json')); ref=out['reference']
for a in out['arms']:
    for data,m in a['minus_reference'].items():
        z=m[key]; print(a['name'],[z[k] for k in ('difference','low','high','p_value')],[float(x) for x in contrast(a['name'],a.get('against') or ref)])
