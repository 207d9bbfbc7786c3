package version

import (
	"regexp"
	"strings"
)

// mark begins the build metadata (semver.org, 10) in the versions that our parts state. By it a client tells an API server of ours, in
// which the kinds with two names are the server's own, from one on which they are custom resources.
const mark = "+orrery"

// notInMetadata is what build metadata cannot have.
var notInMetadata = regexp.MustCompile(`[^0-9A-Za-z.-]+`)

// Stated is what a part of this program calls itself that is a part of Kubernetes, of a release such as v1.37.1: an API server at
// /version, a node as its kubelet's version. It names both, as v1.37.1+orrery.v0.1.0, so that whoever sees a part knows which program
// it is of; who compares versions passes over what stands behind the plus sign.
func Stated(kubernetes string) string {
	return kubernetes + mark + "." + notInMetadata.ReplaceAllString(Get().Version, "-")
}

// Read is the reverse of [Stated]. ours says whether it is a part of such a program; orrery is empty if that does not say of which one.
func Read(stated string) (kubernetes, orrery string, ours bool) {
	kubernetes, rest, ours := strings.Cut(stated, mark)
	if !ours || rest != "" && rest[0] != '.' {
		return stated, "", false
	}
	return kubernetes, strings.TrimPrefix(rest, "."), true
}
