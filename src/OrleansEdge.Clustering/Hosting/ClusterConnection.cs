using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace OrleansEdge.Clustering.Hosting;

/// <summary>The first connection of this process to the cluster. Before it is made no grain can be had from the client: Orleans has no
/// list of grains yet. After it Orleans connects again by itself, and calls fail while no silo is there. Thread safe.</summary>
public sealed partial class ClusterConnection : IHostedService, IDisposable
{
    private readonly IHostedService _client;
    private readonly ILogger _logger;
    private readonly TaskCompletionSource _connected = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _stopping = new();
    private Task _connecting = Task.CompletedTask;

    /// <summary>Takes the start of the client over.</summary>
    public ClusterConnection(IClusterClient client, ILogger<ClusterConnection> logger)
    {
        _client = (IHostedService)client;
        _logger = logger;
    }

    /// <summary>Whether the connection was made; stays true when it is lost.</summary>
    public bool IsMade => _connected.Task.IsCompletedSuccessfully;

    /// <summary>Waits until the connection was made.</summary>
    /// <exception cref="OperationCanceledException">The caller gives up, or the process stops before.</exception>
    public Task WaitAsync(CancellationToken cancellationToken) => _connected.Task.WaitAsync(cancellationToken);

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        _connecting = ConnectAsync(_stopping.Token);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stopping.CancelAsync();
        await _connecting.WaitAsync(cancellationToken);
        if (IsMade)
        {
            await _client.StopAsync(cancellationToken);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _stopping.Dispose();

    private async Task ConnectAsync(CancellationToken cancellationToken)
    {
        try
        {
            await _client.StartAsync(cancellationToken);
            _connected.SetResult();
            Connected();
        }
        catch (Exception) when (cancellationToken.IsCancellationRequested)
        {
            _connected.SetCanceled(cancellationToken);
        }
        catch (Exception defect)
        {
            // What another attempt could heal never comes here.
            _connected.SetException(defect);
            ConnectionFailed(defect);
        }
    }

    [LoggerMessage(6002, LogLevel.Information, "Connected to the cluster.")]
    private partial void Connected();

    [LoggerMessage(6003, LogLevel.Error, "The client of the cluster could not start, and does not try again.")]
    private partial void ConnectionFailed(Exception defect);
}
