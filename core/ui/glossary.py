"""What the field's words mean, in one sentence each: the one place from which tooltips and captions take them."""

CENTRE = (
    "A centre is a train image that was chosen; its ball holds every train image within the radius. Every train image "
    "lies in the ball of a centre of its own class"
)
RADIUS = (
    "Every train image lies within η of a condensed image of its own class. "
    "Not the attack budget ε, which says how far an attack may move an image"
)
GAP = "How far the best cover there can be may lie below this one: 0 % is proven optimal"
SEPARATION = (
    "The smallest distance between train images of different classes, in the norm of the balls. A cover bounds the "
    "adversarial loss at ε by the loss at ε + η around its images; where that passes half the separation, the bound "
    "says little"
)
MIXED = "Balls that contain a train image of another class"
NORM = (
    "How distances are measured: Linf is the largest change of any pixel, L2 the length of the change as an arrow, L1 "
    "the sum over all pixels"
)
EPS = "ε: how far an attack may move an image, in the chosen norm, pixels in [0, 1]"
PGD = (
    "Projected gradient descent (Madry et al. 2018): many small steps uphill in the loss, never further than ε from "
    "the image. What it does not break may still fall to a better attack"
)
STRONG = "PGD on two losses, cross-entropy and margin; an image counts only if both leave it right. Not AutoAttack"
AUTOATTACK = (
    "Four attacks without a setting to tune, two by gradients, one to the nearest border, one by queries alone (Croce "
    "& Hein 2020): the number that papers quote"
)
FGSM = "One single step of length ε along the sign of the gradient: quick, and easily misled"
CERTIFIED = "Proven: no attack at all within ε changes these answers. A proof that fails says nothing against the image"
CLEAN = "The share of test images that are right without an attack"
ROBUST = (
    "The share of test images that are right and stay so under the attack that is named below. An upper bound: a "
    "better attack can only lower it"
)
IMAGES = "n, the number of test images behind a share; with fewer of them its interval is wider"
OF_SHARE = {"clean": CLEAN, "robust": ROBUST}
ATTACKS = {"fgsm": FGSM, "pgd": PGD, "strong": STRONG, "autoattack": AUTOATTACK}
STOP = "Stop keeps the best so far, honestly marked; Cancel keeps nothing"
CANCEL = "Ends it now and keeps nothing but what is stored already; Stop, where there is one, keeps the best so far"
INTERVAL = "Where the share would lie for all such images in 95 of 100 samples of this size (Wilson)"
N = f"{IMAGES}. {INTERVAL}"
# Headings of tables, in small letters and without their sign or unit
HEADINGS = {
    "status": "Queued, running, done; or failed, cancelled, interrupted: open it to see why",
    "images": "Condensed images that a network is trained on",
    "method": "How the images are made", "training": "How a network is trained on them",
    "attack": f"Norm and budget of the attack. {EPS}", "clean": CLEAN, "robust": ROBUST, "pgd": PGD,
    "pgd-20": PGD, "fgsm": FGSM, "no attack": CLEAN, "autoattack": AUTOATTACK, "pgd + margin-pgd": STRONG,
    "pgd-20 + margin-pgd": STRONG, "seconds": "Computing time of all stages",
    "seeds": "Repetitions, each with randomness of its own", "audit": "Whether sixteen indicators trust the number",
    "clean, 95": INTERVAL, "robust, 95": INTERVAL, "zero gradient": "Images without a gradient: gradient attacks are "
    "blind there", "networks": "Trained on each condensed set: a seed's number is their mean",
    "given": "Test images that this attack was given: those that all before it left right",
    "broken": "Of them, those that it made wrong", "left": "Of them, those that it left right",
    "queries": "Images shown to the model", "radius": RADIUS, "members": "Train images that this centre stands for",
}  # fmt: skip
SPREAD = "One standard deviation over seeds: how much seeds differ, not how far the mean is from the truth"


def heading(title: str) -> str | None:
    """What the heading of a column means, or None where it says so itself."""
    if title.startswith("±"):
        return SPREAD
    return HEADINGS.get(title.lower().removesuffix(" %").partition(" (")[0])
