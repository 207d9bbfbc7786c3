// Package doctor looks at a machine and says what of it will be in the way of a control plane.
//
// It works in two steps. [Observe] reads the machine into a [Machine], a plain struct; [Judge] is a pure function from that to
// findings. What could not be read says so in the struct, and becomes a finding of the level unknown: a fact that nobody saw is
// never judged. What a machine of another kind does not have, as nftables outside of Linux, is passed over.
//
// It promises that each finding which is not well says what is so, why that matters, and the command that cures it; that
// looking changes nothing; and that it ends soon: the one program that it runs, nft, is given seconds.
//
// It never cures anything by itself, and whether a control plane is started all the same is not its decision.
package doctor
