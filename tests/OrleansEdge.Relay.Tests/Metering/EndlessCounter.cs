using System.Globalization;
using OrleansEdge.Model;
using OrleansEdge.Relay.Metering;

namespace OrleansEdge.Relay.Tests.Metering;

/// <summary>A program that counts on several threads, for several domains, until it is killed. Each line of its output names a domain and
/// how many bytes were counted for it before the line was written.</summary>
internal static class EndlessCounter
{
    public const string Argument = "endless-counter";

    private const int Domains = 200;

    public static void Run(string folder)
    {
        var spool = TestSpool.New(folder);
        var meters = Enumerable.Range(0, Domains).Select(i => spool.MeterOf("acme", Domain(i), UsageKind.Websocket)).ToArray();
        var counted = new long[Domains];
        var output = Console.OpenStandardOutput();
        for (var writer = 0; writer < 3; writer++)
        {
            new Thread(() => Count(meters, counted)) { IsBackground = true }.Start();
        }

        while (true)
        {
            var lines = string.Concat(counted.Select((_, i) => string.Create(CultureInfo.InvariantCulture, $"{Domain(i)} {Volatile.Read(ref counted[i])}\n")));
            output.Write(System.Text.Encoding.UTF8.GetBytes(lines + ".\n"));
        }
    }

    private static string Domain(int number) => string.Create(CultureInfo.InvariantCulture, $"d{number}.example.com");

    private static void Count(UsageMeter[] meters, long[] counted)
    {
        for (var i = 0; ; i++)
        {
            var domain = i % 7 == 0 ? 0 : i % meters.Length;
            meters[domain].Add(new UsageCounts { BytesUp = 3, MessagesUp = 1 });
            Interlocked.Add(ref counted[domain], 3);
        }
    }
}
