namespace OrleansEdge.Cluster.Tests.Processes;

/// <summary>Tests with processes run alone and one after another: they measure what the processes do within seconds.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class ProcessTests
{
    /// <summary>Name of the collection.</summary>
    public const string Name = "Processes";
}
