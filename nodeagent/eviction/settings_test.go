package eviction

import (
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

func storageAndMemory() corev1.ResourceRequirements {
	return corev1.ResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("1Mi")}}
}

func TestSettingsThatCannotBeObeyedAreRefused(t *testing.T) {
	one := func(signal, text string) map[string]string { return map[string]string{signal: text} }
	for name, test := range map[string]struct {
		settings Settings
		says     string
	}{
		"a signal that there is not": {Settings{EvictionHard: one("cpu.available", "1")}, `evictionHard: there is no signal "cpu.available"`},
		"less than nothing":          {Settings{EvictionHard: one("memory.available", "-1")}, "want an amount"},
		"nothing":                    {Settings{EvictionHard: one("memory.available", "0")}, "want more than nothing"},
		"more than all":              {Settings{EvictionHard: one("memory.available", "101%")}, "want no more than 100%"},
		"words":                      {Settings{EvictionSoft: one("memory.available", "little")}, "evictionSoft: memory.available"},
		"a soft threshold without a grace period": {Settings{EvictionSoft: one("memory.available", "1Gi")}, "memory.available has no evictionSoftGracePeriod"},
		"a grace period below zero":               {Settings{EvictionSoftGracePeriod: one("memory.available", "-1m")}, "negative"},
		"a grace period of what is not a signal":  {Settings{EvictionSoftGracePeriod: one("x", "1m")}, "there is no signal"},
		"to reclaim less than nothing":            {Settings{EvictionMinimumReclaim: one("memory.available", "-1Mi")}, "evictionMinimumReclaim"},
		"to reclaim no share":                     {Settings{EvictionMinimumReclaim: one("memory.available", "0%")}, "evictionMinimumReclaim"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := New(Options{Settings: test.settings}); err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("the error is %v, want %q in it", err, test.says)
			}
		})
	}
}

func TestWhichThresholdsHold(t *testing.T) {
	for name, test := range map[string]struct {
		settings Settings
		want     string
	}{
		"the kubelet's by default": {Settings{},
			"[memory.available below 100Mi nodefs.available below 10% imagefs.available below 15% nodefs.inodesFree below 5% imagefs.inodesFree below 5%]"},
		"only those that are named": {Settings{EvictionHard: map[string]string{"pid.available": "10%"}}, "[pid.available below 10%]"},
		"those beside the defaults, where that is asked for": {
			Settings{EvictionHard: map[string]string{"memory.available": "1Gi", "imagefs.available": "0%", "nodefs.available": "100%"}, MergeDefaultEvictionSettings: true},
			"[memory.available below 1Gi nodefs.inodesFree below 5% imagefs.inodesFree below 5%]"},
		"none": {Settings{EvictionHard: map[string]string{}}, "[]"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := test.settings.Thresholds()
			if fmt.Sprint(got) != test.want || err != nil {
				t.Errorf("they are %v (%v), want %s", got, err, test.want)
			}
		})
	}
}

func TestWhatIsKeptFromPodsIsWhatTheyWouldBeEvictedFor(t *testing.T) {
	capacity := corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("1Gi"), corev1.ResourceEphemeralStorage: resource.MustParse("100Gi")}
	got, err := Settings{}.Reserved(capacity)
	memory, disk := got[corev1.ResourceMemory], got[corev1.ResourceEphemeralStorage]
	// 10% as a kubelet has it, which reads the number with seven digits.
	if err != nil || memory.String() != "100Mi" || disk.Value() != 10_737_418_400 || len(got) != 2 {
		t.Errorf("reserved are %v (%v)", got, err)
	}
	if got, err := (Settings{EvictionHard: map[string]string{"pid.available": "5%"}}).Reserved(capacity); err != nil || len(got) != 0 {
		t.Errorf("reserved are %v (%v), want nothing", got, err)
	}
}
