using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Win32.SafeHandles;
using OrleansEdge.Relay.Transport;
using Xunit;

namespace OrleansEdge.Relay.Tests.Transport;

/// <summary>A program that uses up its own descriptors and asserts what a listener does then. It is a process of its own because the
/// runtime ends a process that has to start a thread without a descriptor.</summary>
internal static class OutOfDescriptors
{
    public const string Argument = "out-of-descriptors";

    private const int OpenFiles = 7;

    public static async Task RunAsync()
    {
        await using var server = await EdgeServer.StartAsync(context => context.Response.WriteAsync("served"));
        Assert.Contains("served", await DescriptorTests.AskAsync(server.ConnectAsync()), StringComparison.Ordinal);
        var asking = NewSockets(40);
        var silent = NewSockets(30);
        await StartThreadsAsync();

        var (before, taken) = UseUp();
        foreach (var socket in silent)
        {
            await socket.ConnectAsync(server.At(EdgeEndpoints.Edge));
        }

        var answers = await Task.WhenAll(asking.Select(socket => AskAsync(socket, server)));
        Assert.Equal(0, SetLimits(OpenFiles, in before));
        taken.ForEach(handle => handle.Dispose());

        Assert.All(answers, DescriptorTests.AssertIsRefusal);
        Assert.Single(server.Log.Of(1000));
        Array.ForEach([.. silent, .. asking], socket => socket.Dispose());
        Assert.Contains("served", await DescriptorTests.AskAsync(server.ConnectAsync()), StringComparison.Ordinal);
        var reserve = server.Services.GetRequiredService<DescriptorReserve>();
        await ConnectionEndTests.UntilAsync(() => reserve.Kept == DescriptorReserve.Size);
    }

    // Without descriptors no thread can start, so enough of them have to be there already.
    private static async Task StartThreadsAsync()
    {
        const int Count = 16;
        ThreadPool.SetMinThreads(Count, Count);
        using var all = new Barrier(Count);
        await Task.WhenAll(Enumerable.Range(0, Count).Select(_ => Task.Run(() => all.SignalAndWait(TimeSpan.FromSeconds(20)))));
        await Task.Delay(1);
    }

    // Lowers the limit to what is open, and fills the gaps.
    private static (Limits Before, List<SafeFileHandle> Taken) UseUp()
    {
        Assert.Equal(0, GetLimits(OpenFiles, out var before));
        var highest = Directory.GetFiles("/proc/self/fd").Max(path => long.Parse(Path.GetFileName(path)));
        var lowered = before with { Soft = (nuint)highest + 1 };
        Assert.Equal(0, SetLimits(OpenFiles, in lowered));
        var taken = new List<SafeFileHandle>();
        try
        {
            while (true)
            {
                taken.Add(File.OpenHandle("/dev/null"));
            }
        }
        catch (IOException)
        {
            return (before, taken);
        }
    }

    // Made beforehand: connecting them takes no new descriptor on this side, and the server has none for the other.
    private static Socket[] NewSockets(int count) =>
        [.. Enumerable.Range(0, count).Select(_ => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true })];

    // Leaves the socket open: closed it would give the server a descriptor.
    private static async Task<string> AskAsync(Socket socket, EdgeServer server)
    {
        await socket.ConnectAsync(server.At(EdgeEndpoints.Edge));
        var client = new RawClient(socket);
        await client.SendAsync("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        return await client.ReadToEndAsync();
    }

    [DllImport("libc", EntryPoint = "getrlimit")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int GetLimits(int resource, out Limits limits);

    [DllImport("libc", EntryPoint = "setrlimit")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int SetLimits(int resource, in Limits limits);

    [StructLayout(LayoutKind.Sequential)]
    private record struct Limits(nuint Soft, nuint Hard);
}
