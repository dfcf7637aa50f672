#include "core/storage/users_store.h"

#include <QString>

namespace portolan::storage {
namespace {

Error notAnAddress(std::string why)
{
    Error error = failure(ErrorKind::Invalid, "The e-mail address is not valid.", "Write it like name@example.com.");
    error.fields.push_back({"/email", std::move(why)});
    return error;
}

} // namespace

Result<std::string> normalizeEmail(std::string_view email)
{
    constexpr std::size_t longest = 254; // RFC 5321, 4.5.3.1.3, less the angle brackets
    const auto first = email.find_first_not_of(" \t\r\n");
    if (first == email.npos)
        return notAnAddress("It is empty.");
    email = email.substr(first, email.find_last_not_of(" \t\r\n") - first + 1);
    if (email.size() > longest)
        return notAnAddress("It is longer than 254 bytes.");
    const QByteArray bytes(email.data(), static_cast<qsizetype>(email.size()));
    const QString text = QString::fromUtf8(bytes).normalized(QString::NormalizationForm_C).toLower();
    for (const QChar c : text)
        if (c.isSpace() || c.category() == QChar::Other_Control || c == QChar::ReplacementCharacter)
            return notAnAddress("It holds a blank or a character that cannot be in an address.");
    const auto at = text.indexOf(u'@');
    if (at <= 0 || at == text.size() - 1 || text.indexOf(u'@', at + 1) >= 0)
        return notAnAddress("It is not of the form name@domain.");
    const auto domain = QStringView(text).mid(at + 1);
    if (domain.startsWith(u'.') || domain.endsWith(u'.') || domain.contains(QStringView(u"..")))
        return notAnAddress("Its domain is malformed.");
    auto normal = text.toStdString();
    if (normal.size() > longest)
        return notAnAddress("It is longer than 254 bytes.");
    return normal;
}

} // namespace portolan::storage
