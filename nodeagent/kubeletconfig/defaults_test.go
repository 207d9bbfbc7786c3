package kubeletconfig

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	kubeletconfigv1beta1 "k8s.io/kubelet/config/v1beta1"
	upstream "k8s.io/kubernetes/pkg/kubelet/apis/config/v1beta1"
	"k8s.io/utils/ptr"
)

func TestDefaultsAreUpstreams(t *testing.T) {
	for _, test := range []struct {
		name string
		said kubeletconfigv1beta1.KubeletConfiguration
	}{
		{"of nothing", kubeletconfigv1beta1.KubeletConfiguration{}},
		{"beside how often the status is computed", kubeletconfigv1beta1.KubeletConfiguration{NodeStatusUpdateFrequency: duration(3 * time.Second)}},
		{"beside both of its frequencies", kubeletconfigv1beta1.KubeletConfiguration{
			NodeStatusUpdateFrequency: duration(3 * time.Second), NodeStatusReportFrequency: duration(time.Minute),
		}},
		{"beside several pulls at a time", kubeletconfigv1beta1.KubeletConfiguration{MaxParallelImagePulls: ptr.To[int32](4)}},
		{"beside one pull at a time", kubeletconfigv1beta1.KubeletConfiguration{MaxParallelImagePulls: ptr.To[int32](1)}},
		{"beside values that are nothing", kubeletconfigv1beta1.KubeletConfiguration{
			EnableServer: ptr.To(false), HealthzPort: ptr.To[int32](0), ResolverConfig: ptr.To(""), EnforceNodeAllocatable: []string{},
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			ours, theirs := test.said.DeepCopy(), test.said.DeepCopy()
			kubeletsDefaults(ours)
			upstream.SetDefaults_KubeletConfiguration(theirs)
			if diff := cmp.Diff(theirs, ours); diff != "" {
				t.Errorf("they differ from upstream's (-) in:\n%s", diff)
			}
		})
	}
}

// TestWhereThisNodeDiffers has all differences: what a person who comes from a kubelet has to know.
func TestWhereThisNodeDiffers(t *testing.T) {
	ours, kubelets := &kubeletconfigv1beta1.KubeletConfiguration{}, &kubeletconfigv1beta1.KubeletConfiguration{}
	Default(ours)
	kubeletsDefaults(kubelets)
	want := kubelets.DeepCopy()
	want.SerializeImagePulls, want.HealthzPort = ptr.To(false), ptr.To[int32](0)
	want.EnableDebugFlagsHandler, want.FailSwapOn, want.FailCgroupV1 = ptr.To(false), ptr.To(false), ptr.To(false)
	want.ImagePullCredentialsVerificationPolicy = kubeletconfigv1beta1.NeverVerify
	want.OOMScoreAdj, want.KubeAPIQPS, want.KubeAPIBurst = nil, nil, 0
	if diff := cmp.Diff(want, ours); diff != "" {
		t.Errorf("they differ from what is said (-) in:\n%s", diff)
	}
}
