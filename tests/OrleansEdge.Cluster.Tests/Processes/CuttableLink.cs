using System.Diagnostics;
using System.Globalization;

namespace OrleansEdge.Cluster.Tests.Processes;

/// <summary>A machine of its own for one gateway: a network namespace with two cables to this one. Clients, origins and the tests come
/// through the first; silos and Redis are behind the second, which can be pulled. Linux and root only: see
/// <see cref="CuttableLinkFactAttribute"/>.</summary>
public sealed class CuttableLink : IAsyncDisposable
{
    // Of the range for tests of network devices (RFC 2544), which nobody routes.
    private const string Network = "198.18.71";

    private readonly string _id;

    private CuttableLink(string id) => _id = id;

    /// <summary>Why there can be none here; <see langword="null"/>: there can.</summary>
    public static string? Missing { get; } = FindMissing();

    /// <summary>Where the gateway finds Redis and the silos, behind the cable that can be pulled.</summary>
    public string MeshAddress => $"{Network}.1";

    /// <summary>Where the gateway finds origins; always there.</summary>
    public string OriginAddress => $"{Network}.5";

    /// <summary>Where the gateway is found; always there.</summary>
    public string GatewayAddress => $"{Network}.6";

    /// <summary>What a command line begins with that runs in there.</summary>
    public IReadOnlyList<string> Inside => ["ip", "netns", "exec", Space];

    private string Space => $"edge-{_id}";

    private string MeshCable => $"oem{_id}";

    private string ClientCable => $"oec{_id}";

    /// <summary>Makes one.</summary>
    public static CuttableLink Create()
    {
        var link = new CuttableLink(Random.Shared.Next(0x10000).ToString("x4", CultureInfo.InvariantCulture));
        link.Build();
        return link;
    }

    /// <summary>Pulls the cable to silos and Redis: what is under way is lost and nobody is told, as on a real network.</summary>
    public void Cut() => Run("link", "set", MeshCable, "down");

    /// <summary>Puts it back.</summary>
    public void Heal() => Run("link", "set", MeshCable, "up");

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        // The other ends of the cables go with them.
        TryRun("link", "delete", MeshCable);
        TryRun("link", "delete", ClientCable);
        TryRun("netns", "delete", Space);
        return ValueTask.CompletedTask;
    }

    private static string? FindMissing()
    {
        const string Reason = "a network of a test's own needs Linux, root and the program ip";
        if (!OperatingSystem.IsLinux() || !Environment.IsPrivilegedProcess)
        {
            return Reason;
        }

        var probe = new CuttableLink("probe");
        var isMade = TryRun("netns", "add", probe.Space) == 0 && TryRun("link", "add", probe.MeshCable, "type", "veth", "peer", "name", "mesh", "netns", probe.Space) == 0;
        TryRun("link", "delete", probe.MeshCable);
        TryRun("netns", "delete", probe.Space);
        return isMade ? null : Reason;
    }

    private static void Run(params string[] arguments)
    {
        var code = TryRun(arguments);
        if (code != 0)
        {
            throw new InvalidOperationException($"ip {string.Join(' ', arguments)} ended with code {code}.");
        }
    }

    private static int TryRun(params string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo("ip", arguments) { RedirectStandardError = true, UseShellExecute = false })!;
            process.StandardError.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return -1;
        }
    }

    private void Build()
    {
        Run("netns", "add", Space);
        Run("-n", Space, "link", "set", "lo", "up");
        Lay(MeshCable, "mesh", MeshAddress, $"{Network}.2");
        Lay(ClientCable, "clients", OriginAddress, GatewayAddress);
    }

    private void Lay(string cable, string end, string here, string there)
    {
        Run("link", "add", cable, "type", "veth", "peer", "name", end, "netns", Space);
        Run("address", "add", $"{here}/30", "dev", cable);
        Run("link", "set", cable, "up");
        Run("-n", Space, "address", "add", $"{there}/30", "dev", end);
        Run("-n", Space, "link", "set", end, "up");
    }
}

/// <summary>A test that needs a <see cref="CuttableLink"/>: skipped by name where there can be none.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class CuttableLinkFactAttribute : FactAttribute
{
    /// <summary>Looks whether there can be one.</summary>
    public CuttableLinkFactAttribute() => Skip = CuttableLink.Missing;
}
