"""Small models for the tests of the engine, in Antimony."""

import antimony


def sbml(text: str) -> str:
    """SBML of an Antimony text."""
    antimony.clearPreviousLoads()
    if antimony.loadAntimonyString(text) < 0:
        raise ValueError(antimony.getLastError())
    return antimony.getSBMLString(antimony.getMainModuleName())


def sbml_with_submodels(text: str) -> str:
    """SBML of an Antimony text, with its modules as submodels of the package comp."""
    sbml(text)
    return antimony.getCompSBMLString(antimony.getMainModuleName())


# Five small systems that do not touch each other, so that one kernel serves many tests.
TOYS = """
model toys
  compartment V = 4
  species Q in V
  substanceOnly species A, C, P, N
  k = 0.5; limit = 10; A = 100; half := A/2
  J: A -> ; k*A
  ke = 0.3; k12 = 0.6; k21 = 0.4; C = 0; P = 0
  E: C -> ; ke*C
  F: C -> P; k12*C
  B: P -> C; k21*P
  r = 1.2; K = 1000; N = 3
  G: -> N; r*N*(1 - N/K)
  kq = 0.5; Q = 1
  D: Q -> ; kq*Q*V
  w = 3; b = 0.7; X = 0
  X' = b*sin(w*time) + time^2 - 2*X
end
"""

SAW = """
model saw
  substanceOnly species A, B, M, O, I, S
  k = 0.5; A = 100; B = 0; M = 1; O = 5; I = 0; S = 0
  J: A -> ; k*A
  X = 0.5; X' = 3*cos(3*time)
end
"""

# What SBML can say, and two stiff classics (Robertson 1966; van der Pol), compared with libroadrunner as a
# whole.
MIXED = """
function hill(x, k, n)
  x^n/(k^n + x^n)
end
model mixed
  compartment V1 = 2, V2 = 5
  species A in V1, $B in V2, D in V2
  substanceOnly species M in V1, R1, R2, R3
  k1 = 0.4; n = 1.7; k2 := k1*hill(D, 3, n)*min(2, A); k3 = 2*k1
  A = 10; B = 3; M = 1; D = A/2
  J1: A -> 2 D; V1*k1*A
  J2: D + B -> M; q*D*B/(1 + D); q = 0.25
  J3: M -> A; k2*M + k3*M*exp(-M)
  R1 = 1; R2 = 0; R3 = 0
  L1: R1 -> R2; 0.04*R1
  L2: 2 R2 -> R2 + R3; 3e7*R2*R2
  L3: R2 + R3 -> R1 + R3; 1e4*R2*R3
  X = 2; Y = 0; mu = 20
  X' = Y
  Y' = mu*(1 - X^2)*Y - X
end
"""

# Eighteen states of a CAR-T patient with invented values: for numerical tests only.
PATIENT = """
model patient
  substanceOnly species CE, CM, CX, CI, L, Tp
  substanceOnly species Tn, G, PD, MA, IL6, IFN
  substanceOnly species IL15, CRP, PSA, P1, P2, ANC
  rhoE=1.1; KT=20; K15=3; dE=.25; kEM=.03; kEX=.05; kinf=.35; kout=.15; kME=.3; rhoM=.03; dM=.02; dX=.15; kXI=.25; KPD=2
  rhoI=.6; dI=.2; rL=.12; L0=1500; T0=80; rT=.02; Kmx=600; kk=.12; Kk=40; mu=2e-4; kby=.03; g0=2; g1=8; KG=150; dG=4
  KGs=2; pd0=.25; pd1=1.5; dPD=.5; KIF=60; kMA=.06; dMA=.7; i60=40; i61=9000; K6=120; d6=11; if0=16; if1=45; dIF=16.6
  s15=25; d15=2.2; c15=.003; cr0=4.4; cr1=160; dCR=.88; kP=.06; dP=.25; ktr=.75; gam=.161; kc=2.4; ANC0=4; inh=.5
  T := Tp + Tn
  act := Tp/(KT + Tp)
  s15f := IL15/(K15 + IL15)
  sup := KGs/(KGs + G)*KPD/(KPD + PD)
  pdx := PD/(KPD + PD)
  ifs := IFN/(KIF + IFN)
  kill := kk*CI*Tp/(Kk + T)*sup
  CE' = (rhoE*act*s15f - dE - kEM - kEX*act - kinf*T/(KT + T))*CE + kout*CI + kME*act*CM
  CM' = kEM*CE + (rhoM*s15f - dM - kME*act)*CM
  CX' = kEX*act*CE + kXI*pdx*CI - dX*CX
  CI' = kinf*T/(KT + T)*CE + (rhoI*act*s15f*sup - kout - kXI*pdx - dI)*CI
  L' = rL*L*(1 - L/L0) + 5
  Tp' = rT*Tp*(1 - T/Kmx) - kill - mu*Tp
  Tn' = rT*Tn*(1 - T/Kmx) + mu*Tp - kby*ifs*Tn
  G' = g0 + g1*T/(KG + T) - dG*G
  PD' = pd0 + pd1*ifs - dPD*PD
  MA' = (kMA*kill + 0.4*ifs)*(1 - MA) - dMA*MA
  IL6' = i60 + i61*MA^2/(0.25 + MA^2)*(1 + 0.5*ifs) - d6*IL6
  IFN' = if0 + if1*(CI + 0.1*CE)*act*sup - dIF*IFN
  IL15' = s15 - (d15 + c15*(L + CE + CM))*IL15
  CRP' = cr0 + cr1*IL6^2/(K6^2 + IL6^2) - dCR*CRP
  PSA' = kP*T - dP*PSA
  P1' = ktr*P1*((1 - inh*MA)*(ANC0/ANC)^gam - 1)
  P2' = ktr*(P1 - P2)
  ANC' = ktr*P2 - kc*ANC
  CE = 0; CM = 0; CX = 0; CI = 0; L = 30; Tp = .98*T0; Tn = .02*T0; G = (g0 + g1*T0/(KG + T0))/dG; PD = .5; MA = .01
  IL6 = i60/d6; IFN = if0/dIF; IL15 = s15/(d15 + c15*30); CRP = cr0/dCR; PSA = kP*T0/dP
  P1 = .25*kc*ANC0/ktr; P2 = .5*kc*ANC0/ktr; ANC = ANC0
end
"""
SPREAD = {"rhoE": .25, "KT": .4, "dE": .2, "kEM": .3, "kEX": .3, "kinf": .4, "dM": .2, "rhoI": .3, "L0": .3, "T0": .5,
          "rT": .3, "kk": .5, "mu": .8, "g1": .3, "kMA": .4, "ANC0": .3}  # fmt: skip
SCALES = [50, 20, 20, 50, 1000, 80, 5, 1, 2, 0.5, 500, 50, 5, 50, 20, 10, 10, 4.0]
"""Typical size of each state of PATIENT."""
