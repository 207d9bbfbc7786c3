package imagegc

import (
	"strings"
	"testing"
	"time"

	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	"k8s.io/utils/ptr"
)

var start = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

func at(minutes int) time.Time { return start.Add(time.Duration(minutes) * time.Minute) }

func image(id string, size uint64) *runtimeapi.Image {
	return &runtimeapi.Image{Id: id, RepoTags: []string{"registry/" + id + ":1"}, Size: size}
}

// world is one in which images take 10 bytes of 100 each, and were seen first an hour ago.
func world(s Settings, available int64, images ...*runtimeapi.Image) *World {
	parsed, err := s.parse()
	if err != nil {
		panic(err)
	}
	w := &World{policy: parsed, Images: map[string]*runtimeapi.Image{}, InUse: map[string]bool{}, Capacity: 100, Available: available, Began: start, Seen: sightings{}}
	for _, i := range images {
		w.Images[i.Id], w.Seen[i.Id] = i, sighting{first: start}
	}
	return w
}

func TestWhichImagesGo(t *testing.T) {
	a, b, c := image("a", 10), image("b", 10), image("c", 10)
	pinned := image("pinned", 10)
	pinned.Pinned = true
	for _, test := range []struct {
		name string
		much extent
		w    *World
		want string
	}{
		{"none, while there is room", needed, world(Settings{}, 16, a, b),
			"nothing to do: the file system of images is 84% full, of 85%"},
		{"as many as it takes, those first that were used longest ago", needed, func() *World {
			w := world(Settings{}, 10, a, b, c)
			w.Seen["a"] = sighting{first: start, used: at(50)}
			w.Seen["c"] = sighting{first: start, used: at(40)}
			return w
		}(),
			"remove 1 images that nobody uses (registry/b:1): the file system of images is 90% full, at most 85% wanted"},
		{"those first that were seen first, of those that were never used", needed, func() *World {
			w := world(Settings{}, 5, a, b, c)
			w.Seen["b"] = sighting{first: at(-10)}
			w.Seen["a"] = sighting{first: at(20)}
			return w
		}(),
			"remove 2 images that nobody uses (registry/b:1, registry/c:1): the file system of images is 95% full, at most 85% wanted"},
		{"none that a container has, by whatever name, none that is pinned, and none that is young", needed, func() *World {
			w := world(Settings{}, 10, a, b, c, pinned)
			w.InUse["a"], w.InUse["registry/b:1"] = true, true
			w.Seen["c"] = sighting{first: at(59)}
			return w
		}(),
			"record event FreeDiskSpaceFailed: Insufficient free disk space on the node's image filesystem (90% of 100 B used). " +
				"Failed to free sufficient space by deleting unused images (freed 0 bytes). " +
				"Investigate disk usage, as it could be used by active images, logs, volumes, or other data."},
		{"all that may, where the disk of the node runs out", everything, func() *World {
			w := world(Settings{}, 90, a, b, c, pinned)
			w.InUse["a"] = true
			return w
		}(),
			"remove 2 images that nobody uses (registry/b:1, registry/c:1): the node runs out of disk"},
		{"those that were not used for long, whatever room there is", needed, func() *World {
			w := world(Settings{ImageMaximumGCAge: 30 * time.Minute}, 90, a, b, c)
			w.Seen["a"], w.Seen["b"] = sighting{first: start, used: at(29)}, sighting{first: start, used: at(31)}
			return w
		}(),
			"remove 2 images that nobody uses (registry/c:1, registry/a:1): not used for 30m0s"},
		{"none for its age before the agent can know it", needed, func() *World {
			w := world(Settings{ImageMaximumGCAge: 30 * time.Minute}, 90, a)
			w.Began = at(45)
			return w
		}(),
			"nothing to do: the file system of images is 10% full, of 85%"},
		{"none, where that is turned off", needed, world(Settings{ImageGCHighThresholdPercent: ptr.To[int32](100)}, 0, a),
			"nothing to do: images are removed neither for their age nor for their space"},
		{"none, where nothing is known of the disk", needed, func() *World {
			w := world(Settings{}, 0, a)
			w.Capacity = 0
			return w
		}(),
			"record event InvalidDiskCapacity: invalid capacity 0 on image filesystem"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := decide(test.much, test.w, at(60)).String(); got != test.want {
				t.Errorf("the plan is\n  %s\nwant\n  %s", got, test.want)
			}
		})
	}
}

func TestSettingsThatCannotBeObeyedAreRefused(t *testing.T) {
	for says, s := range map[string]Settings{
		"imageGCHighThresholdPercent is 101": {ImageGCHighThresholdPercent: ptr.To[int32](101)},
		"imageGCLowThresholdPercent is 85":   {ImageGCLowThresholdPercent: ptr.To[int32](85)},
		"imageGCLowThresholdPercent is -1":   {ImageGCLowThresholdPercent: ptr.To[int32](-1)},
		"imageMaximumGCAge is 1m0s":          {ImageMaximumGCAge: time.Minute},
	} {
		if _, err := New(Options{Settings: s}); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("the error is %v, want %q in it", err, says)
		}
	}
}

func TestSizesAreForPeople(t *testing.T) {
	for bytes, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 1536 << 10: "1.5 MiB", 3 << 30: "3.0 GiB", 5 << 50: "5120.0 TiB"} {
		if got := size(bytes); got != want {
			t.Errorf("%d bytes are %s, want %s", bytes, got, want)
		}
	}
}
