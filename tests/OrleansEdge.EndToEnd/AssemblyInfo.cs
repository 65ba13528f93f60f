using Xunit;

// Peers are processes, and two cores are enough for one edge and its peers only.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
