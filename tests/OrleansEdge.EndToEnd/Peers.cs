using System.Collections.Concurrent;
using System.Diagnostics;
using OrleansEdge.Testing;
using Xunit;

namespace OrleansEdge.EndToEnd;

/// <summary>Finds the programs and libraries that are not ours, and starts them.</summary>
internal static class Peers
{
    // Debian's own interpreter: another one on the path does not see Debian's packages.
    private const string Python = "/usr/bin/python3";

    private static readonly ConcurrentDictionary<string, string?> Reasons = new(StringComparer.Ordinal);
    private static readonly string Directory = Path.Combine(RepositoryFiles.Root, "tests/OrleansEdge.EndToEnd/peers");

    /// <summary>Path of a program that <see cref="PeerFactAttribute"/> has found.</summary>
    public static string Program(string name) => Find(name) ?? throw new FileNotFoundException($"{name} is not installed");

    /// <summary>Why a peer cannot be used, or <see langword="null"/>. Peers are programs by name, <c>npm:PACKAGE</c> and
    /// <c>python:MODULE</c>.</summary>
    public static string? Missing(string peer) => Reasons.GetOrAdd(peer, Look);

    private static string? Look(string peer)
    {
        if (peer.StartsWith("npm:", StringComparison.Ordinal))
        {
            var package = peer[4..];
            return Missing("node")
                ?? (System.IO.Directory.Exists(Path.Combine(Directory, "node_modules", package)) ? null : $"npm package {package} is not installed");
        }

        if (peer.StartsWith("python:", StringComparison.Ordinal))
        {
            return PythonImports(peer[7..]) ? null : $"Debian's python3-{peer[7..]} is not installed";
        }

        return Find(peer) is null ? $"{peer} is not installed" : null;
    }

    /// <summary>Starts a script of the folder <c>peers</c> in Node or Python and takes its first event.</summary>
    /// <param name="script">Name of the file.</param>
    /// <param name="certificates">The authority that it trusts beside the system's.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <returns>The peer, and the port that it listens on where it is a server.</returns>
    public static async Task<(ProcessPeer Peer, int Port)> StartAsync(string script, TestCertificates certificates, params string[] arguments)
    {
        var environment = new Dictionary<string, string?>
        {
            ["NODE_EXTRA_CA_CERTS"] = certificates.AuthorityFile,
            ["SSL_CERT_FILE"] = certificates.AuthorityFile,
            ["PYTHONDONTWRITEBYTECODE"] = "1",
        };
        var interpreter = script.EndsWith(".py", StringComparison.Ordinal) ? Python : Program("node");
        var peer = ProcessPeer.Start(script, interpreter, [script, .. arguments], environment, Directory);
        if (script.Contains("client", StringComparison.Ordinal) || arguments.Contains("client"))
        {
            await peer.WaitForAsync("started");
            return (peer, 0);
        }

        var listening = await peer.WaitForAsync("listening");
        return (peer, listening.GetProperty("port").GetInt32());
    }

    private static string? Find(string program)
    {
        // Servers live in sbin, which is not on every user's path.
        var path = $"{Environment.GetEnvironmentVariable("PATH")}:/usr/sbin:/usr/bin";
        return path.Split(':').Select(directory => Path.Combine(directory, program)).FirstOrDefault(File.Exists);
    }

    private static bool PythonImports(string module)
    {
        if (!File.Exists(Python))
        {
            return false;
        }

        using var process = Process.Start(new ProcessStartInfo(Python, ["-c", $"import {module}"]) { RedirectStandardError = true, UseShellExecute = false })!;
        process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0;
    }
}

/// <summary>A test with a real peer: skipped by name where the peer is not installed.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class PeerFactAttribute : FactAttribute
{
    public PeerFactAttribute(params string[] peers) => Skip = peers.Select(Peers.Missing).FirstOrDefault(reason => reason is not null);
}

/// <inheritdoc cref="PeerFactAttribute"/>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class PeerTheoryAttribute : TheoryAttribute
{
    public PeerTheoryAttribute(params string[] peers) => Skip = peers.Select(Peers.Missing).FirstOrDefault(reason => reason is not null);
}
