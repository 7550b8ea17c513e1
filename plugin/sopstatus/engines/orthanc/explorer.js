// Orthanc Explorer: the status below the information about an instance or a study.
['instance', 'study'].forEach(function (level) {
  $('#' + level).live('pagebeforeshow', function () {
    var id = $.mobile.pageData && $.mobile.pageData.uuid;
    var folder = level === 'study' ? 'studies' : 'instances';
    $('#' + level + '-sop-status').remove();
    if (!id) { return; }
    $.ajax({
      url: '../' + folder + '/' + encodeURIComponent(id) + '/sop-status',
      headers: { Accept: 'text/plain' },
      dataType: 'text',
      success: function (status) {
        $('#' + level + '-sop-status').remove();
        if (!status) { return; }
        $('<p>', { id: level + '-sop-status', text: 'SOP Instance Status: ' + status })
          .insertAfter('#' + level + '-info');
      }
    });
  });
});
