using System.Collections.Frozen;

namespace OrleansEdge.Relay.Transport;

/// <summary>Certificates by server name: exact, then a wildcard of one label, then <c>default</c>. A pair answers to its file name
/// where that is a host name, and to the DNS names in its certificate; the file name wins, then the certificate that is valid
/// longer. Immutable.</summary>
internal sealed class CertificateIndex
{
    private const string DefaultName = "default";

    private readonly FrozenDictionary<string, CertificatePair> _names;
    private readonly CertificatePair? _default;

    public CertificateIndex(IReadOnlyCollection<CertificatePair> pairs)
    {
        var names = new Dictionary<string, CertificatePair>(StringComparer.Ordinal);
        foreach (var pair in pairs.OrderBy(pair => pair.NotAfter).ThenBy(pair => pair.Name, StringComparer.Ordinal))
        {
            foreach (var name in pair.AlternativeNames)
            {
                names[name] = pair;
            }
        }

        foreach (var pair in pairs.Where(pair => !IsDefault(pair)))
        {
            names[NameOfFile(pair.Name)] = pair;
        }

        _names = names.ToFrozenDictionary(StringComparer.Ordinal);
        _default = pairs.FirstOrDefault(IsDefault);
    }

    /// <summary>The certificate for a client that asks for this name (empty: for none).</summary>
    public CertificatePair? Find(string serverName)
    {
        if (serverName.Length == 0)
        {
            return _default;
        }

        var name = CertificatePair.Normalize(serverName);
        if (_names.TryGetValue(name, out var exact))
        {
            return exact;
        }

        var dot = name.IndexOf('.');
        return dot > 0 && _names.TryGetValue("*" + name[dot..], out var wildcard) ? wildcard : _default;
    }

    private static bool IsDefault(CertificatePair pair) => string.Equals(pair.Name, DefaultName, StringComparison.OrdinalIgnoreCase);

    // File systems and shells dislike the asterisk, so an underscore stands for it as well.
    private static string NameOfFile(string name) =>
        CertificatePair.Normalize(name.StartsWith("_.", StringComparison.Ordinal) ? "*" + name[1..] : name);
}
