package cli

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/orrery-dev/orrery/apiserver/pki"
	"github.com/orrery-dev/orrery/internal/wiring"
	"k8s.io/utils/clock"
)

func TestWhoSignsForAManager(t *testing.T) {
	dir := t.TempDir()
	if _, err := pki.Open(dir, clock.RealClock{}); err != nil {
		t.Fatal(err)
	}
	cert, key := filepath.Join(dir, "ca.crt"), filepath.Join(dir, "ca.key")
	for name, c := range map[string]struct {
		flags   signingFlags
		loops   wiring.Loops
		signs   bool
		refused string
	}{
		"nobody, unless somebody is named":     {signingFlags{duration: time.Hour}, wiring.Loops{Cluster: true}, false, ""},
		"who is named":                         {signingFlags{cert, key, time.Hour}, wiring.Loops{Cluster: true}, true, ""},
		"nobody without a key":                 {signingFlags{cert, "", time.Hour}, wiring.Loops{Cluster: true}, false, "belong together"},
		"nobody with a key that is not theirs": {signingFlags{cert, filepath.Join(dir, "front-proxy-ca.key"), time.Hour}, wiring.Loops{Cluster: true}, false, "does not belong"},
		"nobody who is not there":              {signingFlags{filepath.Join(dir, "absent"), key, time.Hour}, wiring.Loops{Cluster: true}, false, "absent"},
		"nobody for no time":                   {signingFlags{cert, key, 0}, wiring.Loops{Cluster: true}, false, "--cluster-signing-duration 0s"},
		"nobody where others do it":            {signingFlags{cert, key, time.Hour}, wiring.Loops{}, false, "--cluster-loops"},
	} {
		t.Run(name, func(t *testing.T) {
			var cluster wiring.Cluster
			err := c.flags.apply(&cluster, &c.loops)
			if (cluster.SignCertificate != nil) != c.signs {
				t.Errorf("somebody signs: %t, want %t", cluster.SignCertificate != nil, c.signs)
			}
			if c.signs && c.loops.SigningDuration != time.Hour {
				t.Errorf("for %s at most, want an hour", c.loops.SigningDuration)
			}
			if c.refused == "" && err != nil || c.refused != "" && (err == nil || !strings.Contains(err.Error(), c.refused)) {
				t.Errorf("got %v, want an error with %q", err, c.refused)
			}
		})
	}
}
