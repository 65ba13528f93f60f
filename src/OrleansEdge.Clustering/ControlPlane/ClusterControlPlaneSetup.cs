using Microsoft.Extensions.DependencyInjection;
using OrleansEdge.Model;

namespace OrleansEdge.Clustering.ControlPlane;

/// <summary>Puts the control plane of a cluster into a host that has grains to call: a silo, or an Orleans client.</summary>
public static class ClusterControlPlaneSetup
{
    /// <summary>Adds <see cref="IControlPlane"/>.</summary>
    public static IServiceCollection AddClusterControlPlane(this IServiceCollection services)
        => services.AddSingleton<IControlPlane>(static provider => new ClusterControlPlane(provider.GetRequiredService<IGrainFactory>()));
}
