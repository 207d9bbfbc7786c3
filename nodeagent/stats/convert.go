package stats

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	statsv1alpha1 "k8s.io/kubelet/pkg/apis/stats/v1alpha1"
)

// containerStats are the figures of a container that runs, as the runtime measured them.
func containerStats(container *runtimeapi.Container, measured *runtimeapi.ContainerStats) statsv1alpha1.ContainerStats {
	stats := statsv1alpha1.ContainerStats{
		Name:      container.GetMetadata().GetName(),
		StartTime: metav1.NewTime(time.Unix(0, container.GetCreatedAt())),
	}
	if cpu := measured.GetCpu(); cpu != nil {
		stats.CPU = &statsv1alpha1.CPUStats{
			Time:           metav1.NewTime(time.Unix(0, cpu.GetTimestamp())),
			UsageNanoCores: number(cpu.GetUsageNanoCores()), UsageCoreNanoSeconds: number(cpu.GetUsageCoreNanoSeconds()),
			PSI: pressure(cpu.GetPsi()),
		}
	}
	if memory := measured.GetMemory(); memory != nil {
		stats.Memory = &statsv1alpha1.MemoryStats{
			Time:           metav1.NewTime(time.Unix(0, memory.GetTimestamp())),
			AvailableBytes: number(memory.GetAvailableBytes()), UsageBytes: number(memory.GetUsageBytes()),
			WorkingSetBytes: number(memory.GetWorkingSetBytes()), RSSBytes: number(memory.GetRssBytes()),
			PageFaults: number(memory.GetPageFaults()), MajorPageFaults: number(memory.GetMajorPageFaults()),
			PSI: pressure(memory.GetPsi()),
		}
	}
	if swap := measured.GetSwap(); swap != nil {
		stats.Swap = &statsv1alpha1.SwapStats{
			Time:               metav1.NewTime(time.Unix(0, swap.GetTimestamp())),
			SwapAvailableBytes: number(swap.GetSwapAvailableBytes()), SwapUsageBytes: number(swap.GetSwapUsageBytes()),
		}
	}
	if io := measured.GetIo(); io.GetPsi() != nil {
		stats.IO = &statsv1alpha1.IOStats{Time: metav1.NewTime(time.Unix(0, io.GetTimestamp())), PSI: pressure(io.GetPsi())}
	}
	return stats
}

// stats are the figures of what is measured as a whole.
func (u Usage) stats(now time.Time) (*statsv1alpha1.CPUStats, *statsv1alpha1.MemoryStats) {
	at := metav1.NewTime(now)
	memory := &statsv1alpha1.MemoryStats{Time: at, UsageBytes: &u.Memory, WorkingSetBytes: &u.WorkingSet}
	if u.Available > 0 {
		memory.AvailableBytes = &u.Available
	}
	if u.RSS > 0 {
		memory.RSSBytes = &u.RSS
	}
	return &statsv1alpha1.CPUStats{Time: at, UsageCoreNanoSeconds: &u.CPU}, memory
}

// pressure is what a kernel tells that counts how long processes wait (PSI); nil where it does not.
func pressure(psi *runtimeapi.PsiStats) *statsv1alpha1.PSIStats {
	if psi == nil {
		return nil
	}
	data := func(d *runtimeapi.PsiData) statsv1alpha1.PSIData {
		return statsv1alpha1.PSIData{Total: d.GetTotal(), Avg10: d.GetAvg10(), Avg60: d.GetAvg60(), Avg300: d.GetAvg300()}
	}
	return &statsv1alpha1.PSIStats{Full: data(psi.GetFull()), Some: data(psi.GetSome())}
}

func number(v *runtimeapi.UInt64Value) *uint64 {
	if v == nil {
		return nil
	}
	return &v.Value
}

func or0(v *uint64) uint64 {
	if v == nil {
		return 0
	}
	return *v
}
