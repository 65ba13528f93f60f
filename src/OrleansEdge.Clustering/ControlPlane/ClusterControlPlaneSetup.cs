using Microsoft.Extensions.DependencyInjection;
using OrleansEdge.Model;

namespace OrleansEdge.Clustering.ControlPlane;

/// <summary>Puts the control plane of the cluster into a host.</summary>
public static class ClusterControlPlaneSetup
{
    /// <summary>Adds <see cref="IControlPlane"/> over the host's grains.</summary>
    public static IServiceCollection AddClusterControlPlane(this IServiceCollection services)
        => services.AddSingleton<IControlPlane>(static _ => throw new NotSupportedException("The control plane of the cluster is not there yet."));
}
