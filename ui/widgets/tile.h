#pragma once

#include "core/api/history.h"
#include "core/api/snapshot.h"

#include <QAbstractButton>

namespace portolan::ui {

/// What a tile shows, in words.
struct TileText
{
    QString title = {};
    Zone zone = Zone::Unknown;
    QString value = {}; ///< "21.3 MB", or why nothing is known
    QString limit = {}; ///< "of 30 MB"
    QString age = {};
    QString next = {};   ///< "red in about 40 min"
    bool limited = true; ///< false: there is no limit, so no zone
    bool known = false;  ///< `value` is a figure
    bool stale = false;
    bool operator==(const TileText &) const = default;
};

/// One resource on the overview: a button that leads to the page which explains it.
class Tile final : public QAbstractButton
{
    Q_OBJECT

public:
    explicit Tile(QWidget *parent = nullptr);
    void setContent(const TileText &content);
    void setTrend(Series trend, std::optional<double> yellow, std::optional<double> red);
    QSize sizeHint() const override;
    QSize minimumSizeHint() const override { return sizeHint(); }

protected:
    void paintEvent(QPaintEvent *event) override;
    void keyPressEvent(QKeyEvent *event) override;
    void enterEvent(QEnterEvent *event) override;
    void leaveEvent(QEvent *event) override;

private:
    void paintTrend(QPainter &painter, const QRectF &rect) const;

    TileText m_content;
    Series m_trend;
    std::optional<double> m_yellow;
    std::optional<double> m_red;
};

} // namespace portolan::ui
