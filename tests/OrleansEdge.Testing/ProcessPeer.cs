using System.Text.Json;
using System.Text.Json.Nodes;

namespace OrleansEdge.Testing;

/// <summary>A peer in a process of its own, driven over its standard streams: a command is a line <c>{ "do": …, … }</c>, an
/// event a line <c>{ "event": …, … }</c>. It ends when its input is closed, so none outlives the tests.</summary>
public sealed class ProcessPeer : IAsyncDisposable
{
    private readonly ChildProcess _process;

    private ProcessPeer(ChildProcess process) => _process = process;

    /// <summary>Its process.</summary>
    public ChildProcess Process => _process;

    /// <summary>Starts a peer; parameters as those of <see cref="ChildProcess.Start"/>.</summary>
    public static ProcessPeer Start(
        string name,
        string file,
        IEnumerable<string> arguments,
        IReadOnlyDictionary<string, string?>? environment = null,
        string? workingDirectory = null)
        => new(ChildProcess.Start(name, file, arguments, environment, workingDirectory));

    /// <summary>Sends a command.</summary>
    public Task SendAsync(JsonObject command) => _process.WriteLineAsync(command.ToJsonString());

    /// <summary>Takes the next event of a name that nobody has taken yet.</summary>
    /// <param name="name">Name of the event.</param>
    /// <param name="predicate">Which of them; default: any.</param>
    /// <param name="deadline">Default <see cref="OutputLines.DefaultDeadline"/>.</param>
    /// <exception cref="TimeoutException">It did not come.</exception>
    public Task<JsonElement> WaitForAsync(string name, Func<JsonElement, bool>? predicate = null, TimeSpan? deadline = null)
        => TakeAsync($"\"{name}\"", line => Match(line, name, predicate), deadline);

    /// <summary>Takes the next event of a name, and fails at once where an event <c>error</c> or <c>refused</c> comes first.</summary>
    /// <exception cref="InvalidOperationException">An error came first.</exception>
    /// <exception cref="TimeoutException">Nothing came.</exception>
    public async Task<JsonElement> WaitForSuccessAsync(string name, Func<JsonElement, bool>? predicate = null)
    {
        var details = await TakeAsync(
            $"\"{name}\"", line => Match(line, name, predicate) ?? Match(line, "error", null) ?? Match(line, "refused", null), null);
        return details.GetProperty("event").GetString() == name
            ? details
            : throw new InvalidOperationException($"{_process.Name} reported instead of \"{name}\": {details.GetRawText()}");
    }

    /// <summary>How many events of a name have come, taken or not.</summary>
    public int Count(string name) => _process.Output.Snapshot().Count(line => Match(line, name, null) is not null);

    /// <summary>Ends it: closes its input, and kills it where that is not enough.</summary>
    public async ValueTask DisposeAsync()
    {
        _process.CloseInput();
        try
        {
            await _process.WaitForExitAsync(TimeSpan.FromSeconds(3));
        }
        catch (TimeoutException)
        {
            // A peer that hangs is killed below.
        }

        await _process.DisposeAsync();
    }

    private async Task<JsonElement> TakeAsync(string what, Func<string, JsonDocument?> select, TimeSpan? deadline)
    {
        try
        {
            return (await _process.Output.TakeAsync(select, $"Event {what} of {_process.Name}", deadline)).RootElement;
        }
        catch (TimeoutException missing)
        {
            throw new TimeoutException($"{missing.Message}\n--- errors\n{string.Join('\n', _process.Errors.Snapshot())}", missing);
        }
    }

    private static JsonDocument? Match(string line, string name, Func<JsonElement, bool>? predicate)
    {
        if (!line.StartsWith("{\"event\":", StringComparison.Ordinal))
        {
            return null;
        }

        var document = JsonDocument.Parse(line);
        var root = document.RootElement;
        return root.GetProperty("event").GetString() == name && (predicate is null || predicate(root)) ? document : null;
    }
}
