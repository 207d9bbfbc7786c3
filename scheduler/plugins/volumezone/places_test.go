package volumezone

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
)

func TestNodesInThePlacesOfAVolume(t *testing.T) {
	const (
		zone, region       = corev1.LabelTopologyZone, corev1.LabelTopologyRegion
		oldZone, oldRegion = corev1.LabelFailureDomainBetaZone, corev1.LabelFailureDomainBetaRegion
	)
	type labels = map[string]string
	for _, test := range []struct {
		name         string
		volume, node labels
		want         bool
	}{
		{"a volume without places is everywhere", nil, labels{zone: "a"}, true},
		{"a node without places is everywhere", labels{zone: "a"}, labels{"disk": "ssd"}, true},
		{"the same zone will do", labels{zone: "a"}, labels{zone: "a"}, true},
		{"another zone will not", labels{zone: "a"}, labels{zone: "b"}, false},
		{"one of the volume's zones will do", labels{zone: "a__b"}, labels{zone: "b"}, true},
		{"blanks around a zone are no matter", labels{zone: "a__ b "}, labels{zone: "b"}, true},
		{"a label with an empty zone says nothing", labels{zone: "a__"}, labels{zone: "b"}, true},
		{"zone and region both have to fit", labels{zone: "a", region: "r"}, labels{zone: "a", region: "s"}, false},
		{"a node that says only where else it is will not do", labels{zone: "a"}, labels{region: "r"}, false},
		{"a volume's old label fits a node's new one", labels{oldZone: "a", oldRegion: "r"}, labels{zone: "a", region: "r"}, true},
		{"a volume's new label does not fit a node's old one", labels{zone: "a"}, labels{oldZone: "a"}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := placesIn(test.volume).include(test.node); got != test.want {
				t.Errorf("got %t, want %t", got, test.want)
			}
		})
	}
}

func TestPlacesStayTheSameWhenOnlyTheirOrderChanges(t *testing.T) {
	before := placesIn(map[string]string{corev1.LabelTopologyZone: "a__b"})
	if after := placesIn(map[string]string{corev1.LabelTopologyZone: "b__a__a"}); !before.equal(after) {
		t.Errorf("%v and %v are not equal", before, after)
	}
	if after := placesIn(map[string]string{corev1.LabelTopologyZone: "a__c"}); before.equal(after) {
		t.Errorf("%v and %v are equal", before, after)
	}
}
